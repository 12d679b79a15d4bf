#!/usr/bin/env python3
"""Does the model see what it claims to see? Known mistakes are put into a copy of the workspace, all at once and each behind a switch of
its own; the model is built there once and played for each of them. One that it does not catch fails this command, and so does one whose
place in the source is not found exactly once.

    model_mutations.py [NAME...]    RUNS=25 of each kind, SEED=1, SECONDS=300 for each mistake

In a mistake's text MUTANT stands for "this one is switched on".
"""

import json
import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PLACE = ROOT / "target" / "model-mutations"
COPY, BUILT = PLACE / "workspace", PLACE / "target"
# Not part of the model, and long to build.
LEFT_OUT = ("tests/src/bin/", "tests/tests/it/", "docs/")
RUNS, SEED = os.environ.get("RUNS", "25"), os.environ.get("SEED", "1")
SECONDS_MAX = int(os.environ.get("SECONDS", "300"))

LINKS, OFFICE = "cut_links", "goes_back_cannot"
BUS, BOTH = "a_bus_that_goes_back", "both_go_back"
READ, HOLES, ALL = "a_reader_gets_each_event", "holes_are_filled", "two_offices_and_two_readers"

A, G = "agent/src/", "broker-gateway/src/"

# Name, what is wrong, the tests that are played, and where: file, what stands there, what stands there instead.
MUTATIONS = [
    ("tail-not-resent", "the agent forgets to send what the bus lost behind its head", [BUS], [(
        A + "dispatch/reconcile.rs",
        "resend: (!lacking.is_empty()).then_some(lacking)",
        "resend: (!MUTANT && !lacking.is_empty()).then_some(lacking)",
    )]),
    ("head-not-read", "the agent numbers behind what it remembers", [OFFICE], [(
        A + "dispatch/reconcile.rs",
        "pub async fn reconcile(&self, bus: &SessionLog<'_>) -> Result<Standing, Trouble> {",
        """pub async fn reconcile(&self, bus: &SessionLog<'_>) -> Result<Standing, Trouble> {
        if MUTANT && let Some(ours) = self.outbox.last_settled(&self.log.feed)? {
            let head = Head { position: Some(ours.position), hash: ours.hash };
            let untold = self.outbox.untold(&self.log.feed)?;
            return Ok(Standing { head, resend: None, taken_back: 0, untold });
        }""",
    )]),
    ("taken-back-dropped", "the agent forgets an event that it takes back", [OFFICE], [(
        A + "dispatch/reconcile/taking.rs",
        "taken.push(on_bus);",
        "if !MUTANT { taken.push(on_bus); }",
    )]),
    ("displaced-forgotten", "what the bus has other events for does not go back into line", [BOTH, "had_a_receipt"], [(
        A + "dispatch/reconcile.rs",
        "self.put_back_from(first, Displaced::ByAnother).await?;",
        "if !MUTANT { self.put_back_from(first, Displaced::ByAnother).await?; }",
    )]),
    ("branch-not-kept", "what is displaced is not kept as it was signed", [BOTH, "had_a_receipt"], [(
        A + "outbox/tables.rs",
        "writes.insert(Table::Branches, &key, &time.to_be_bytes());",
        "if !MUTANT { writes.insert(Table::Branches, &key, &time.to_be_bytes()); }",
    )]),
    ("taking-not-told", "the agent tells nobody what it took back", [OFFICE], [(
        A + "dispatch/sending.rs",
        "self.untold.take().filter(|_| !several)",
        "self.untold.take().filter(|_| !several && !MUTANT)",
    )]),
    ("pruned-forgotten", "what is pruned is no part of the own log any more", ["lost_its_hints_behind_pruning"], [(
        A + "outbox/state.rs",
        "self.here.remove_all(one.first, one.last.number());",
        """self.here.remove_all(one.first, one.last.number());
        if MUTANT {
            self.own.remove_all(one.first, one.last.number());
            return;
        }""",
    )]),
    ("declared-though-here", "the agent declares what is missing at once, and though it has it", [HOLES], [(
        A + "heal/declare.rs",
        "!open.is_empty() && open.without(due).is_empty();",
        "!open.is_empty() && (MUTANT || open.without(due).is_empty());",
    ), (
        A + "heal/declare.rs",
        "if !waited || self.has_any_of(&open)? {",
        "if !waited || (!MUTANT && self.has_any_of(&open)?) {",
    )]),
    ("hole-not-filled", "an office does not bring its own events back", [HOLES], [(
        A + "heal/refill.rs",
        "true => self.heal.outbox.own(&log.feed, position)?,",
        "true => self.heal.outbox.own(&log.feed, position)?.filter(|_| !MUTANT),",
    )]),
    ("gap-passed-over", "what lies behind a gap arrives before the gap is filled", [READ, HOLES], [(
        A + "inbox/keep.rs",
        "if position.number() <= state.complete + 1 {",
        "if MUTANT || position.number() <= state.complete + 1 {",
    ), (
        A + "inbox/keep.rs",
        "if !late && !follows(&state, position, &held) {",
        "if !late && !MUTANT && !follows(&state, position, &held) {",
    )]),
    ("id-delivered-twice", "an id at another position is delivered again", [HOLES, "went_behind"], [(
        A + "inbox/keep.rs",
        ".with(Flags::FOR_APPLICATIONS, first_of_id && said == Said::Data)",
        ".with(Flags::FOR_APPLICATIONS, (MUTANT || first_of_id) && said == Said::Data)",
    )]),
    ("marks-not-read", "what was delivered is forgotten with the inbox", [READ], [(
        A + "deliver/lanes.rs",
        "let up_to = ground.delivered.up_to(&ground.name, log);",
        "let up_to = if MUTANT { UpTo::default() } else { ground.delivered.up_to(&ground.name, log) };",
    )]),
    ("confirmed-ahead", "a reader confirms what it has not got up to", [READ, HOLES], [(
        A + "confirm.rs",
        "let complete = Position::new(state.complete);",
        "let complete = Position::new(if MUTANT { state.known } else { state.complete });",
    )]),
    ("nothing-expected", "the gateway appends without an expectation", [LINKS, OFFICE], [(
        G + "commit/store.rs",
        "expected: expected.filter(|_| first && index == 0),",
        "expected: expected.filter(|_| first && index == 0 && !MUTANT),",
    )]),
    ("heads-remembered", "the gateway remembers heads behind a restart of the broker", [BOTH, "an_old_head"], [(
        G + "commit/writer.rs",
        "self.heads.forget_all();",
        "if !MUTANT { self.heads.forget_all(); }",
    )]),
    ("link-not-checked", "the gateway does not look at the link", [BOTH, "an_old_head"], [(
        G + "commit/plan.rs",
        "} else if first.prev == next.prev {",
        "} else if MUTANT || first.prev == next.prev {",
    )]),
    ("confirmed-overwritten", "the gateway admits other events below what a reader has confirmed", [READ, "kept_free"], [(
        G + "commit/writer.rs",
        "up_to > unit.proved && first.is_some_and",
        "!MUTANT && up_to > unit.proved && first.is_some_and",
    )]),
    ("other-history-back", "a lost tail comes back with other events than a reader has confirmed", [READ, "does_not_come_back"], [(
        G + "commit/heal/judge.rs",
        "if let Err(hold) = confirmed.admits(&next, Brought::Back) {",
        "if !MUTANT && let Err(hold) = confirmed.admits(&next, Brought::Back) {",
    )]),
    ("stored-unasked", "the gateway says stored before JetStream does", [BUS, "hangs"], [(
        G + "commit/store.rs",
        "let outcome = append::outcome(pending).await;",
        "let outcome = if MUTANT { Outcome::Stored(1) } else { append::outcome(pending).await };",
    )]),
    ("another-is-ours", "the gateway says stored where another event stands", [LINKS, OFFICE], [(
        G + "commit/writer.rs",
        "Some(place) if place.hash == hash => {",
        "Some(place) if MUTANT || place.hash == hash => {",
    )]),
    ("hole-filled-with-another", "a hole is filled with another event than the next one names", [HOLES, "named_by_the_next"], [(
        G + "commit/heal/judge.rs",
        "Around::Named(hash) if hash == event.hash() => Judgement::Fill,",
        "Around::Named(hash) if MUTANT || hash == event.hash() => Judgement::Fill,",
    )]),
    ("counted-twice", "one event too many is counted", [HOLES], [(
        "schemas/src/heal.rs",
        "let on_bus = count.appended + beside;",
        "let on_bus = count.appended + beside + u64::from(MUTANT && count.appended > 0);",
    )]),
]


def fail(why):
    sys.exit(f"model_mutations: {why}")


def copy_workspace():
    """Files that did not change keep their times, so that only what did is built again."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    texts = {name: None for name in listed.splitlines() if not name.startswith(LEFT_OUT)}
    for name, _, _, places in MUTATIONS:
        switch = f'std::env::var_os("MUTANT").is_some_and(|name| name == "{name}")'
        for file, there, instead in places:
            text = texts[file] or (ROOT / file).read_text()
            if text.count(there) != 1:
                fail(f"{name}: found {text.count(there)} times in {file}: {there}")
            texts[file] = text.replace(there, re.sub(r"\bMUTANT\b", lambda _: switch, instead))
    for name, text in texts.items():
        source, target = ROOT / name, COPY / name
        content = source.read_bytes() if text is None else text.encode()
        if not target.is_file() or target.read_bytes() != content:
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(content)
            shutil.copymode(source, target)


def build():
    """The model with all mistakes in it, none switched on."""
    command = [os.environ.get("CARGO", "cargo"), "test", "--workspace", "--test", "model", "--no-run", "--message-format=json-render-diagnostics"]
    env = {**os.environ, "CARGO_TARGET_DIR": str(BUILT), "CARGO_PROFILE_DEV_DEBUG": "0"}
    built = subprocess.run(command, cwd=COPY, env=env, stdout=subprocess.PIPE, text=True)
    if built.returncode != 0:
        fail("the copy does not build")
    messages = [json.loads(line) for line in built.stdout.splitlines()]
    return next(m["executable"] for m in messages if m.get("executable") and m["target"]["name"] == "model")


def play(model, mutant, tests):
    """What became of it, by which test, and why."""
    env = {**os.environ, "MODEL_RUNS": RUNS, "SEED": SEED, "MODEL_SHORTENINGS": "0", "RUST_BACKTRACE": "0", "MUTANT": mutant}
    try:
        played = subprocess.run([model, *tests], env=env, capture_output=True, text=True, timeout=SECONDS_MAX)
    except subprocess.TimeoutExpired:
        return "no verdict", "", f"after {SECONDS_MAX} s"
    if played.returncode == 0:
        return "not caught", "", ""
    failed = re.findall(r"^test (\S+) \.\.\. FAILED", played.stdout, re.MULTILINE)
    if not failed:
        return "no verdict", "", (played.stdout + played.stderr)[-200:]
    why = re.search(r"Test failed: (.*)|it holds: (.*)|^assertion.*\n.*\n.*", played.stdout + played.stderr, re.MULTILINE)
    why = " ".join(why.group(0).split()) if why else ""
    return "caught", " ".join(name.removeprefix("cases::") for name in failed), why[:160]


def main():
    wanted = sys.argv[1:]
    unknown = set(wanted) - {name for name, *_ in MUTATIONS}
    if unknown:
        fail(f"no such mistake: {' '.join(sorted(unknown))}")
    copy_workspace()
    model = build()
    mutations = [one for one in MUTATIONS if not wanted or one[0] in wanted]
    tests = sorted({test for _, _, tests, _ in mutations for test in tests})
    print(f"RUNS={RUNS} SEED={SEED}", flush=True)
    bad = 0
    for name, what, tests, _ in [("none", "nothing is wrong", tests, [])] + mutations:
        began = time.monotonic()
        verdict, where, why = play(model, name, tests)
        bad += verdict != ("caught" if name != "none" else "not caught")
        told = f"{verdict}, {time.monotonic() - began:.1f} s" if name != "none" else f"{verdict.replace('not caught', 'holds')}"
        print(f"{name}: {what}: {told}: {where} {why}".rstrip(": "), flush=True)
    print(f"{len(mutations)} mistakes, {bad} of them or the model itself not as they should be")
    sys.exit(bad > 0)


if __name__ == "__main__":
    main()
