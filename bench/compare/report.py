# SPDX-License-Identifier: Apache-2.0
"""The table of the comparison, from its figures."""

import statistics

from cases import HUGE_SWARM

COLUMNS = [("echo", "bare echo"), ("musterd", "musterd"), ("opentracker", "Debian's opentracker"),
           ("nginx", "nginx, static"), ("aquatic", "aquatic_udp")]


def us(ns):
    return f"{ns / 1000:.2f} µs" if ns < 10_000 else f"{ns / 1000:.1f} µs"


def cost(figures, name):
    """Median nanoseconds of CPU per answer, or None."""
    return figures.get(name, {}).get("ns_per_answer")


def ratio(figures, name, other):
    """How many times the CPU of `other`: median of the rounds' ratios, since what else the machine does changes from
    round to round; None where one of them has no figures."""
    mine, theirs = (figures.get(n, {}).get("rounds", []) for n in (name, other))
    if not mine or not theirs:
        return None
    if len(mine) != len(theirs):
        return cost(figures, name) / cost(figures, other)
    return statistics.median(a["ns_per_answer"] / b["ns_per_answer"] for a, b in zip(mine, theirs))


def waits(mine):
    """How much of its time a worker waited for locks, as far as that was seen."""
    seen = [r["waits_for_locks"] for r in mine["rounds"] if r["waits_for_locks"] is not None]
    return f" ({100 * statistics.mean(seen):.1f} % of the time waiting for locks)" if seen else ""


def cell(case, figures, name):
    mine = figures.get(name, {})
    parts = []
    ns = mine.get("ns_per_answer")
    if ns is not None:
        text = us(ns)
        if name == "echo" and cost(figures, "echo-deferred") is not None:
            text += f" ({us(cost(figures, 'echo-deferred'))} deferred)"
        times = ratio(figures, name, "echo")
        if name != "echo" and times:
            text += f" = {times:.2f}×"
        parts.append(text)
    if name == "musterd" and cost(figures, "musterd-two") is not None:
        parts.append(f"one worker {us(cost(figures, 'musterd-one'))}, two {us(cost(figures, 'musterd-two'))}"
                     + waits(figures["musterd-two"]))
    if "bytes_each" in mine:
        parts.append(f"{mine['bytes_each']:.1f} bytes a {case['per']}")
    return "; ".join(parts) or "–"


def verdict(case, figures):
    """(goal, figure reached or None, met) of a case that has a goal."""
    if not case["goal"]:
        return None
    against, most = case["goal"]
    mine = figures.get("musterd", {})
    if against == "bytes":
        got = mine.get("bytes_each")
        return (f"≤ {most} bytes a {case['per']}", got, got is not None and got <= most)
    if against == "one worker":
        # Twice the cores at so much more CPU an answer: 1.8 times the answers at 1 / 0.9.
        got = ratio(figures, "musterd-two", "musterd-one")
    else:
        got = ratio(figures, "musterd", against)
    return (f"≤ {most:.2f}× {against}", got, got is not None and got <= most)


def huge_swarm(results):
    """Cost in the swarm of a million over that in a swarm of a hundred, by contender; each as a multiple of the echo that
    ran beside it, since a machine is not equally fast all the time."""
    big, small, _ = HUGE_SWARM
    by_name = {r["case"]["name"]: r["contenders"] for r in results}
    if big not in by_name or small not in by_name:
        return {}
    costs = {name: [ratio(by_name[case], name, "echo") for case in (big, small)] for name, _ in COLUMNS[1:]}
    return {name: pair[0] / pair[1] for name, pair in costs.items() if all(pair)}


def markdown(report):
    results = report["results"]
    shown = [c for c in COLUMNS if any(name.startswith(c[0]) for r in results for name in r["contenders"])]
    lines = ["| | " + " | ".join(title for _, title in shown) + " | goal |",
             "| --- |" + " --- |" * (len(shown) + 1)]
    for r in results:
        figures, case = r["contenders"], r["case"]
        judged = verdict(case, figures)
        goal = ""
        if judged:
            text, got, met = judged
            goal = text if got is None else f"{text}: {'met' if met else 'missed'}, {got:.2f}"
        cells = [cell(case, figures, name) for name, _ in shown]
        lines.append(f"| {case['title']} | " + " | ".join(cells) + f" | {goal} |")
    ratios = huge_swarm(results)
    if ratios:
        cells = [f"{ratios[name]:.2f}×" if name in ratios else "–" for name, _ in shown]
        got = ratios.get("musterd")
        most = HUGE_SWARM[2]
        goal = f"≤ {most:.2f}×" + ("" if got is None else f": {'met' if got <= most else 'missed'}, {got:.2f}")
        lines.append("| an announce in the swarm of a million, against one of a hundred | "
                     + " | ".join(cells) + f" | {goal} |")
    m = report["machine"]
    lines += ["", f"CPU time of the server per answered request, median of {report['rounds']} interleaved rounds of "
              f"{report['seconds']:g} s; × is the median of the rounds' ratios to the echo. Memory is growth of the resident size.",
              f"{m['cpu']}, {m['cores']} cores, Linux {m['kernel']}, {report['date']}, load average before {m['load']}.",
              "Versions: " + "; ".join(f"{k} {v}" for k, v in report["versions"].items() if v) + ".",
              f"Command: `{report['command']}`"]
    notes = [f"{r['case']['name']}: {n}" for r in results for n in r["notes"]]
    if notes:
        lines += ["", "Notes:", ""] + [f"- {n}" for n in notes]
    return "\n".join(lines) + "\n"
