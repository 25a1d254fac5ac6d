#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""The program's own tables against what is written about them: man page, completion, schemas, docs/json.md.

    docs.py --directpath PROGRAM
"""
import argparse
import json
import pathlib
import re
import subprocess
import sys
import tempfile

sys.dont_write_bytecode = True
HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]
sys.path.insert(0, str(HERE))
import compared  # noqa: E402
import schemas  # noqa: E402

MAN = ROOT / "docs/directpath.1"
FORMATS = ROOT / "docs/directpath-formats.5"
COMPLETION = ROOT / "data/completion/directpath"


def man_commands(text):
    """{command: options} of the section COMMANDS."""
    found = {}
    section = text[text.index(".Sh COMMANDS"):text.index(".Sh ENVIRONMENT")]
    for line in re.findall(r"^\.It (Cm .*)$", section, re.M):
        words = re.match(r"Cm ((?:[a-z-]+ ?)+)", line).group(1).strip()
        found[words] = {"--" + name for name in re.findall(r"Fl -([a-z-]+)", line)}
    return found


def man_options(text):
    section = text[text.index(".Sh OPTIONS"):text.index(".Sh COMMANDS")]
    return {"--" + name for name in re.findall(r"^\.It Fl -([a-z-]+)", section, re.M)}


def completion_commands(text):
    table = text[text.index("TABLE'\n") + 7:text.index("\nTABLE\n")]
    found = {}
    for line in table.splitlines():
        words = [word for word in line.split() if not word.startswith("--") and word == word.lower()]
        found[" ".join(words)] = {word for word in line.split() if word.startswith("--")}
    return found


def complete(*words):
    """What bash offers behind `directpath WORDS...`."""
    script = f'source "{COMPLETION}"; COMP_WORDS=(directpath "$@"); COMP_CWORD=$#; COMPREPLY=(); _directpath;' \
             'printf "%s\\n" "${COMPREPLY[@]}"'
    with tempfile.TemporaryDirectory() as folder:
        for name in ("host/sys/bus/pci/devices/0000:03:00.0", "vms"):
            pathlib.Path(folder, name).mkdir(parents=True)
        for name in ("a.vmx", "a.vmdk"):
            pathlib.Path(folder, name).touch()
        done = subprocess.run(["bash", "-c", script, "bash", *words], cwd=folder, capture_output=True, text=True)
    assert not done.stderr, done.stderr
    return set(done.stdout.split())


def check_examples(names):
    for name in names:
        example = schemas.FOLDER / "examples" / f"{name}.json"
        if not example.exists():
            yield f"{name}: no example"
            continue
        yield from (f"{name}: {line}" for line in schemas.problems(name, json.loads(example.read_text())))


def checks(program):
    table = json.loads(subprocess.run([program, "help", "--json"], check=True, capture_output=True).stdout)
    commands = {entry["command"]: {option["name"] for option in entry["options"]} for entry in table["commands"]}
    common = {option["name"] for option in table["common_options"]}
    every = common.union(*commands.values())
    man, completion = MAN.read_text(), COMPLETION.read_text()
    names = [path.stem for path in schemas.FOLDER.glob("*.json") if path.stem != "common"]
    documented = {word for name in names for word in schemas.load_all()[f"{name}.json"]["commands"]}

    yield "the man page has every command with its options", man_commands(man), commands
    yield "the man page has every option", man_options(man), every
    yield "completion has every command with its options", completion_commands(completion), commands
    yield "completion has every common option", \
        set(re.search(r'_directpath_common="(.*)"', completion).group(1).split()), common
    yield "every command has a schema", {word for word in commands if word not in documented}, set()
    yield "every schema's command exists", \
        {word for word in documented if not word.startswith("--") and word.split(" --")[0] not in commands}, set()
    yield "every document has an example that fits its schema", list(check_examples(sorted(names))), []
    lint = subprocess.run(["mandoc", "-Tlint", "-W", "warning", MAN, FORMATS], capture_output=True, text=True)
    yield "mandoc finds nothing to say about the man pages", lint.stdout, ""
    yield "bash can read the completion", \
        subprocess.run(["bash", "-n", COMPLETION], capture_output=True, text=True).stderr, ""
    groups = {words.split()[0] for words in commands}
    yield "completion offers the first words", complete(""), groups
    yield "completion offers the verbs of a group", complete("device", ""), \
        {words.split()[1] for words in commands if words.startswith("device ")}
    yield "completion offers the words of a longer command", complete("esxcli", "hardware", "pci", ""), \
        {"list", "pcipassthru"}
    yield "completion offers the options of a command", complete("vm", "power-on", "--"), \
        common | commands["vm power-on"]
    yield "completion offers an option's values", complete("vm", "power-on", "--accel", ""), {"kvm", "tcg"}
    yield "completion offers the addresses of the host", complete("--root", "host", "device", "show", ""), {"0000:03:00.0"}
    yield "completion offers VMX files and folders", complete("vm", "validate", ""), {"a.vmx", "vms", "host"}
    made = subprocess.run([sys.executable, ROOT / "docs/make-json.py"], check=True, capture_output=True, text=True)
    yield "docs/json.md is what docs/make-json.py makes", made.stdout == (ROOT / "docs/json.md").read_text(), True
    made = subprocess.run([sys.executable, ROOT / "docs/make-keys.py"], check=True, capture_output=True, text=True)
    yield "docs/vmx-keys.md is what docs/make-keys.py makes", made.stdout == (ROOT / "docs/vmx-keys.md").read_text(), True
    made = subprocess.run([sys.executable, ROOT / "docs/make-diagnostics.py"], check=True, capture_output=True, text=True)
    yield "docs/diagnostics.md is what docs/make-diagnostics.py makes", \
        made.stdout == (ROOT / "docs/diagnostics.md").read_text(), True
    all_of = json.loads(subprocess.run([program, "explain", "--all", "--json"], check=True, capture_output=True).stdout)
    yield "and has what the program explains", re.findall(r"^### (DP\d+ \w+: .*)$", made.stdout, re.M), \
        [f"{row['id']} {row['severity']}: {row['title']}" for row in all_of["explanations"]]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--directpath", required=True)
    return compared.report(checks(parser.parse_args().directpath))


if __name__ == "__main__":
    sys.exit(main())
