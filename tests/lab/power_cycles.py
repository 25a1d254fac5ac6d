# SPDX-License-Identifier: GPL-2.0-or-later
"""The long campaign: fifty power cycles leave nothing behind."""
import harness
import main_job
import machine


def test_fifty_power_cycles_leave_nothing():
    harness.directpath("device", "enable", machine.NIC, machine.DISK)
    main_job.power_cycles(50)


if __name__ == "__main__":
    harness.main(globals())
