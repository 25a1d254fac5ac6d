# SPDX-License-Identifier: GPL-2.0-or-later
"""The long campaign: thirty boots of a Debian host, in each of which the NIC is claimed before its driver comes."""
import debian_boot
import harness

BOOTS = 30


def test_installed_and_enabled():
    debian_boot.test_installed_by_its_package_nothing_moves()
    debian_boot.test_enabled()


for _number in range(1, BOOTS + 1):
    globals()[f"reboot_{_number}"] = lambda: None
    globals()[f"test_claimed_first_in_boot_{_number}"] = debian_boot.assert_claimed_first


if __name__ == "__main__":
    harness.main(globals())
