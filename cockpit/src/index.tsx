// SPDX-License-Identifier: GPL-2.0-or-later
import "@patternfly/react-core/dist/styles/base.css";
import "@patternfly/react-styles/css/components/Table/table.css";
import "@patternfly/react-styles/css/components/Table/table-grid.css";
import "./page.css";
import { createRoot } from "react-dom/client";
import { App } from "./app";
import { Boundary } from "./problems";
import { followTheme } from "./theme";

followTheme();
const element = document.getElementById("app");
if (element !== null)
    createRoot(element).render(<Boundary><App /></Boundary>);
