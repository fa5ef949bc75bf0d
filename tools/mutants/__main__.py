"""`python -m tools.mutants`: a seeded sample of mutants against their nearest tests, as a table and as JSON."""

from __future__ import annotations

import argparse
import hashlib
import json
import random
import sys
import tomllib
from collections import Counter
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import asdict, replace
from multiprocessing.context import ForkServerContext
from os import cpu_count
from pathlib import Path

from tools.gobuild.cache import default_root
from tools.mutants.execute import Outcome, execute, start_server
from tools.mutants.nearest import Nearest, measure
from tools.mutants.operators import Mutation, list_mutations

CHECKOUT = Path(__file__).resolve().parents[2]
MODULES = Path(__file__).with_name("modules.toml")
SURVIVORS = Path(__file__).with_name("survivors.toml")
REQUIRED = 0.85
MOST_TESTS = 60
KILLED = {"killed", "timeout"}


def main() -> int:
    """Run the sample; return 1 where too few mutants are killed or a survivor has no reason."""
    options = _parse()
    areas = {area: expand(globs) for area, globs in tomllib.loads(MODULES.read_text()).items() if area != "tests"}
    tests = expand(tomllib.loads(MODULES.read_text())["tests"])
    sample = choose(areas, options.count, options.seed)
    folder = default_root() / "mutants" / f"{_fingerprint(areas, tests)}"
    folder.mkdir(parents=True, exist_ok=True)
    outcomes = run(sample, folder, [path for paths in areas.values() for path in paths], tests)
    reasons = tomllib.loads(SURVIVORS.read_text())
    print(report(outcomes, areas, reasons))
    if options.json:
        options.json.write_text(json.dumps([asdict(outcome) for outcome in outcomes], indent=1) + "\n")
    unexplained = [outcome for outcome in outcomes if outcome.status not in KILLED and outcome.key not in reasons]
    return int(score(outcomes) < REQUIRED or bool(unexplained))


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tools.mutants", description=__doc__)
    parser.add_argument("--count", type=int, default=300, help="how many mutants (300)")
    parser.add_argument("--seed", type=int, default=1, help="which sample (1)")
    parser.add_argument("--json", type=Path, help="where to write the outcomes")
    return parser.parse_args()


def expand(globs: Iterable[str]) -> list[str]:
    """Return the paths that the patterns name; one that names none is an error: a module was renamed."""
    paths: list[str] = []
    for pattern in globs:
        found = sorted(str(path.relative_to(CHECKOUT)) for path in CHECKOUT.glob(pattern))
        if not found:
            raise SystemExit(f"{MODULES}: {pattern} names no file; was the module renamed?")
        paths += [path for path in found if path not in paths]
    return paths


def choose(areas: Mapping[str, Iterable[str]], count: int, seed: int) -> list[Mutation]:
    """Draw the sample: areas in turn, so that a small one counts as much as a large one while it lasts."""
    chance = random.Random(seed)  # noqa: S311 - a sample that can be drawn again
    pools = []
    for paths in areas.values():
        pool = [m for path in paths for m in list_mutations(path, (CHECKOUT / path).read_text())]
        chance.shuffle(pool)
        pools.append(pool)
    sample: list[Mutation] = []
    while len(sample) < count and any(pools):
        for pool in pools:
            if pool and len(sample) < count:
                sample.append(pool.pop())
    return sample


def run(sample: list[Mutation], folder: Path, modules: list[str], tests: list[str]) -> list[Outcome]:
    """Execute what earlier runs of the same sources have not; each outcome is kept as soon as it is known."""
    nearest = measure(CHECKOUT, folder, modules, tests)
    kept = folder / "outcomes.jsonl"
    known = {
        o.key: o
        for line in (kept.read_text().splitlines() if kept.exists() else [])
        for o in [Outcome(**json.loads(line))]
    }
    waiting = [mutation for mutation in sample if mutation.key not in known]
    context = start_server()

    def judge(mutation: Mutation) -> Outcome:
        chosen = nearest.select(CHECKOUT / mutation.module, mutation.line, MOST_TESTS)
        usual = sum(nearest.seconds[name] for name in chosen)
        return execute(context, CHECKOUT, mutation, chosen, 30 + 10 * usual)

    if waiting:
        _check_without_change(context, nearest, waiting)
    with ThreadPoolExecutor(cpu_count() or 1) as pool, kept.open("a") as file:
        futures = [pool.submit(judge, mutation) for mutation in waiting]
        for done, future in enumerate(as_completed(futures), start=1):
            outcome = future.result()
            known[outcome.key] = outcome
            file.write(json.dumps(asdict(outcome)) + "\n")
            file.flush()
            print(f"{done}/{len(waiting)} {outcome.status}: {outcome.key}", file=sys.stderr, flush=True)
    return [known[mutation.key] for mutation in sample]


def _check_without_change(context: ForkServerContext, nearest: Nearest, sample: Iterable[Mutation]) -> None:
    """Refuse to go on where the tests fail without any change: each mutant would count as killed."""
    for module in {mutation.module: mutation for mutation in sample}.values():
        chosen = nearest.select(CHECKOUT / module.module, module.line, MOST_TESTS)
        outcome = execute(context, CHECKOUT, replace(module, number=None), chosen, 600)
        if outcome.status not in ("survived", "untested"):
            raise SystemExit(f"the tests of {module.module} fail without a change ({outcome.status}): {chosen}")


def score(outcomes: Iterable[Outcome]) -> float:
    """Return the share of mutants that a test noticed."""
    judged = list(outcomes)
    return sum(outcome.status in KILLED for outcome in judged) / max(len(judged), 1)


def report(outcomes: list[Outcome], areas: Mapping[str, Iterable[str]], reasons: Mapping[str, str]) -> str:
    """Return a table by area, and every survivor with its reason."""
    area_of = {path: area for area, paths in areas.items() for path in paths}
    lines = ["| area | mutants | killed | survived | untested |", "|---|---:|---:|---:|---:|"]
    for area in areas:
        of_area = [outcome for outcome in outcomes if area_of[outcome.module] == area]
        counts = Counter("killed" if o.status in KILLED else o.status for o in of_area)
        lines.append(f"| {area} | {len(of_area)} | {counts['killed']} | {counts['survived']} | {counts['untested']} |")
    lines.append(f"\n{score(outcomes):.0%} of {len(outcomes)} mutants are killed; {REQUIRED:.0%} are required.")
    for outcome in outcomes:
        if outcome.status not in KILLED:
            reason = reasons.get(outcome.key, "NO REASON GIVEN")
            lines.append(f"{outcome.status}: {outcome.key} (line {outcome.line}, {outcome.tests} tests): {reason}")
    return "\n".join(lines)


def _fingerprint(areas: Mapping[str, Iterable[str]], tests: Iterable[str]) -> str:
    """Name the state of all modules and tests, so that outcomes of other sources are not taken for these."""
    digest = hashlib.sha256()
    paths = {CHECKOUT / path for of_area in areas.values() for path in of_area}
    paths |= {CHECKOUT / test for test in tests}
    for path in sorted(paths):
        digest.update(str(path.relative_to(CHECKOUT)).encode() + path.read_bytes())
    return digest.hexdigest()[:12]


if __name__ == "__main__":
    sys.exit(main())
