# SPDX-License-Identifier: GPL-2.0-or-later
"""The emulated host: a Debian kernel with IOMMU, VFIO and nested KVM in an emulated machine."""
