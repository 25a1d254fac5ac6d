# SPDX-License-Identifier: GPL-2.0-or-later
"""The long campaign of kills.py: fifty rounds."""
import harness
import kills


def test_killed_at_fifty_random_moments():
    kills.rounds(50)


if __name__ == "__main__":
    harness.main(globals())
