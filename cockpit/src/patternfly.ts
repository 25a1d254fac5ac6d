// SPDX-License-Identifier: GPL-2.0-or-later
// What is used of PatternFly, each from its own folder: the package as a whole would bring the styles of all its components.
export { Alert, AlertActionCloseButton, AlertActionLink, type AlertProps } from "@patternfly/react-core/dist/esm/components/Alert";
export { Button } from "@patternfly/react-core/dist/esm/components/Button";
export { Checkbox } from "@patternfly/react-core/dist/esm/components/Checkbox";
export {
    EmptyState, EmptyStateActions, EmptyStateBody, EmptyStateFooter,
} from "@patternfly/react-core/dist/esm/components/EmptyState";
export { FormSelect, FormSelectOption } from "@patternfly/react-core/dist/esm/components/FormSelect";
export { Modal, ModalBody, ModalFooter, ModalHeader } from "@patternfly/react-core/dist/esm/components/Modal";
export { NumberInput } from "@patternfly/react-core/dist/esm/components/NumberInput";
export { SearchInput } from "@patternfly/react-core/dist/esm/components/SearchInput";
export { Skeleton } from "@patternfly/react-core/dist/esm/components/Skeleton";
export { Spinner } from "@patternfly/react-core/dist/esm/components/Spinner";
export { Tab, Tabs, TabTitleText } from "@patternfly/react-core/dist/esm/components/Tabs";
export { TextInput } from "@patternfly/react-core/dist/esm/components/TextInput";
export { AngleRightIcon } from "@patternfly/react-icons/dist/esm/icons/angle-right-icon";
export { BanIcon } from "@patternfly/react-icons/dist/esm/icons/ban-icon";
export { CheckCircleIcon } from "@patternfly/react-icons/dist/esm/icons/check-circle-icon";
export { ExclamationCircleIcon } from "@patternfly/react-icons/dist/esm/icons/exclamation-circle-icon";
export { ExclamationTriangleIcon } from "@patternfly/react-icons/dist/esm/icons/exclamation-triangle-icon";
export { LockIcon } from "@patternfly/react-icons/dist/esm/icons/lock-icon";
export { OutlinedCircleIcon } from "@patternfly/react-icons/dist/esm/icons/outlined-circle-icon";
export { OutlinedQuestionCircleIcon } from "@patternfly/react-icons/dist/esm/icons/outlined-question-circle-icon";
export { PowerOffIcon } from "@patternfly/react-icons/dist/esm/icons/power-off-icon";
export { SearchIcon } from "@patternfly/react-icons/dist/esm/icons/search-icon";
export { TimesIcon } from "@patternfly/react-icons/dist/esm/icons/times-icon";
export { VirtualMachineIcon } from "@patternfly/react-icons/dist/esm/icons/virtual-machine-icon";
