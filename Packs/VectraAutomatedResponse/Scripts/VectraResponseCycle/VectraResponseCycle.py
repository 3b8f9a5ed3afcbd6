"""One cycle of the Vectra response: what the brains decided is carried out by the drivers and put on record.

In this order: what a cycle is told, the pure steps (which calls a decision needs, what a reply says, how it is told to
people), the steps with effects, and `main`, the only place that touches `demisto`.

Per brain: the lease is taken, the plan is made, the intent of all decisions is recorded in one call; then for each
decision the generic command runs and its outcome is recorded at once. After all brains the drivers reconcile, what they
found is recorded with the brain it belongs to, and each brain ends its cycle. A cycle that is killed between any two
calls leaves an intent behind, so the next plan decides the same again, and drivers answer `already` for what they did.
"""

import json
import uuid
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timezone
from functools import partial
from typing import Any, NamedTuple

import demistomock as demisto
from CommonServerPython import *
from ResponseHouseApiModule import *

PLAN, RECORD, RECONCILE = "vectra-response-plan", "vectra-response-cycle-record", "vectra-response-reconcile"
OUTCOME, CYCLE, RECORDED = "VectraResponse.Outcome", "VectraResponse.Cycle", "VectraResponse.Record"
TITLE = "Vectra Automated Response"
LINES_IN_MAIL = 200

# kind of event -> (heading, word in the timeline, level), in the order in which people want to read them
KINDS = {
    "contained": ("Contained", "contained", "info"),
    "ordered": ("Ordered, not confirmed yet", "ordered, not confirmed yet", "info"),
    "released": ("Released", "released", "info"),
    "failed": ("Failed", "failed", "error"),
    "missing": ("Not found or not supported", "not found or not supported", "warning"),
    "waiting": ("Still waiting for the product", "still waiting", "warning"),
    "problem": ("Problems", "problem", "error"),
    "held_back": ("Held back", "held back", "warning"),
    "warning": ("Warnings", "warning", "warning"),
    "already": ("Nothing to do", "nothing to do", "info"),
    "planned": ("Would do", "would do", "info"),
}
DONE = ("contained", "ordered", "released")
# A message is worth sending when one of these happened; the others only come along.
WORTH_TELLING = (*DONE, "failed", "missing", "waiting", "problem", "held_back", "warning")
# A generic mail integration cannot know what it sent before, so repeated troubles alone are no reason for a mail.
WORTH_A_MAIL = (*DONE, "failed")


@dataclass(frozen=True)
class Options:
    """What one cycle is told. `brains` empty means all, `keys` empty all that the plan says; `owner` names who holds
    the lease.
    """

    owner: str
    brains: tuple[str, ...] = ()
    dry_run: bool = False
    groom: bool = False
    list_name: str = ""
    destinations: str | None = None
    destinations_error: str = ""
    notify: bool = True
    mail_to: str = ""
    keys: tuple[str, ...] = ()


class Call(NamedTuple):
    """A generic command for one decision. `instance` empty means every instance that has the command."""

    command: str
    args: dict[str, Any]
    instance: str


class Event(NamedTuple):
    """Something that people may want to know. `kind` is one of KINDS."""

    kind: str
    brain: str
    text: str
    at: float
    details: Mapping[str, str] = {}


@dataclass
class BrainReport:
    """What became of one brain in this cycle. status: ok, busy, error."""

    brain: str
    mode: str = ""
    status: str = "ok"
    decisions: int = 0
    outcomes: int = 0
    failed: int = 0
    reads: int | None = None
    leased: bool = False


@dataclass
class Report:
    """What became of the cycle; grows while it runs."""

    started: float
    brains: list[BrainReport] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)
    notified: list[str] = field(default_factory=list)

    @property
    def status(self) -> str:
        """`error` when a brain or an action failed, `busy` when every brain was taken, else `ok`."""
        if any(event.kind in ("failed", "problem") for event in self.events):
            return "error"
        busy = [brain.status == "busy" for brain in self.brains]
        return "busy" if busy and all(busy) else "ok"


# ---- pure: decisions to calls


def calls_of(decision: Mapping[str, Any]) -> list[Call]:
    """The calls of one decision: one for all drivers, or one per named driver with the elements it holds.

    What a driver is to take over before it releases it has a call of its own.
    """
    command, kind = f"vectra-{decision['action']}-{decision['type']}", decision["type"]
    args, elements = dict(decision.get("args") or {}), decision.get("elements") or {}
    adopt = decision.get("adopt") or {}
    named = decision.get("instances") or sorted(elements)
    names = [name for name in named if name in elements or name not in adopt]
    calls = [Call(command, with_elements(args, kind, elements.get(name)), name) for name in names]
    taken = [
        Call(command, {**with_elements(args, kind, found), "adopt": "true"}, name) for name, found in adopt.items()
    ]
    return (calls if named else [Call(command, args, "")]) + taken


def with_elements(args: Mapping[str, Any], kind: str, elements: Sequence[str] | None) -> dict[str, Any]:
    """The arguments with the elements of one driver, which are entries for a static list."""
    if not elements:
        return dict(args)
    return {**args, "destinations" if kind == "destinations" else "elements": list(elements)}


def call_args(call: Call) -> dict[str, Any]:
    """The arguments as the server takes them, with the instance that is meant."""
    return {**call.args, "using": call.instance} if call.instance else dict(call.args)


def about(plan: Mapping[str, Any], keys: Sequence[str]) -> dict[str, Any]:
    """The plan with only what it says about these entities; whole without any."""
    if not keys:
        return dict(plan)
    chosen = {
        name: [item for item in plan.get(name) or [] if item["key"] in keys] for name in ("decisions", "held_back")
    }
    return {**plan, **chosen}


def allowed(plan: Mapping[str, Any], *, dry_run: bool) -> list[dict[str, Any]]:
    """The decisions that may be carried out now: none in a dry run, releases only while the brain is stopped."""
    if dry_run or plan.get("mode") == "dry_run":
        return []
    stopped = plan.get("mode") == "stopped"
    return [item for item in plan.get("decisions") or [] if item["action"] == "unblock" or not stopped]


# ---- pure: replies


def outcome_rows(
    entries: Sequence[Mapping[str, Any]], call: Call, decision: Mapping[str, Any], brain: str, now: float
) -> list[dict[str, Any]]:
    """The outcomes that one call gave; an instance that answered with an error has a failed one."""
    rows = [dict(row) for row in context_items(entries, OUTCOME)]
    for instance, brand, text in errors_of(entries):
        rows += failed_rows(decision, brain, instance or call.instance, brand, text, now)
    return rows


def failed_rows(
    decision: Mapping[str, Any], brain: str, instance: str, brand: str, reason: str, now: float
) -> list[dict[str, Any]]:
    """Outcomes for an instance that could not say them: nothing was blocked, and what was held is held still."""
    held = decision["action"] != "block"
    # Of a static list these are entries; which elements stand for them only the driver knows.
    named = (decision.get("elements") or {}).get(instance) if decision["type"] != "destinations" else None
    elements = named or [""]
    return [
        {
            "action": decision["action"],
            "brain": brain,
            "entity": decision["key"],
            "brand": brand,
            "instance": instance,
            "element": element,
            "status": "failed",
            "contained": held,
            "reason": reason,
            "reference": "",
            "time": int(now),
        }
        for element in elements
    ]


def by_brain(rows: Iterable[dict[str, Any]]) -> dict[str, list[dict[str, Any]]]:
    """Outcomes by the brain they belong to; what people blocked in the war room belongs to none."""
    found: dict[str, list[dict[str, Any]]] = {}
    for row in rows:
        found.setdefault(str(row.get("brain") or ""), []).append(row)
    return found


# ---- pure: telling people


def outcome_kind(row: Mapping[str, Any]) -> str:
    """Which kind of event an outcome is."""
    status, contained = str(row.get("status")), bool(row.get("contained"))
    if status == "pending":
        return "waiting" if row.get("action") == "reconcile" else "ordered"
    if status == "applied":
        return "contained" if contained else "released"
    if status in ("not_found", "unsupported"):
        return "released" if row.get("action") == "unblock" and status == "not_found" else "missing"
    return "already" if status == "already" else "failed"


def outcome_event(row: Mapping[str, Any], decision: Mapping[str, Any] | None, brain: str) -> Event:
    """An outcome as a person reads it: who, by which driver, as what, why."""
    name = str((decision or {}).get("name") or "")
    driver = str(row.get("instance") or row.get("brand") or "no driver")
    facts = [str(row[key]) for key in ("element", "reference") if row.get(key)]
    said = one_line(row.get("reason"))
    why = "; ".join((decision or {}).get("reasons") or [])
    text = f"{who(str(row.get('entity') or ''), name)} by {driver}"
    text += f" ({', '.join(facts)})" if facts else ""
    text += f": {said}" if said else ""
    text += f" - {why}" if why else ""
    details = {
        "action": str(row.get("action") or ""),
        "brain": brain,
        "entity": str(row.get("entity") or ""),
        "name": name,
        "driver": driver,
        "element": str(row.get("element") or ""),
        "status": str(row.get("status") or ""),
        "reference": str(row.get("reference") or ""),
        "reason": said or why,
    }
    return Event(outcome_kind(row), brain, one_line(text), float(row.get("time") or 0), details)


def plan_events(plan: Mapping[str, Any], brain: str, now: float, *, dry_run: bool) -> list[Event]:
    """What the plan says beside its decisions; in a dry run the decisions too."""
    held = [(who(item["key"], item.get("name", "")), item["why"]) for item in plan.get("held_back") or []]
    events = [Event("held_back", brain, f"{entity}: {why}", now) for entity, why in held]
    events += [Event("warning", brain, one_line(text), now) for text in plan.get("warnings") or []]
    events += [Event("problem", brain, one_line(text), now) for text in plan.get("errors") or []]
    if dry_run or plan.get("mode") == "dry_run":
        events += [Event("planned", brain, planned_text(item), now) for item in plan.get("decisions") or []]
    return events


def planned_text(decision: Mapping[str, Any]) -> str:
    """What would be done, on which drivers, and why."""
    held = {name: list(found) for name, found in (decision.get("elements") or {}).items()}
    for name, found in (decision.get("adopt") or {}).items():
        held[name] = [*held.get(name, []), *(f"{element} (blocked by VAR)" for element in found)]
    names = decision.get("instances") or sorted(held)
    where = ", ".join(f"{name} {', '.join(held[name])}".strip() if name in held else name for name in names)
    reasons = "; ".join(decision.get("reasons") or [])
    return (
        f"{decision['action']} {who(decision['key'], decision.get('name', ''))} on {where or 'every driver'}: {reasons}"
    )


def timeline(report: Report) -> list[str]:
    """The cycle as lines, in the order in which things happened."""
    return [f"{clock(event.at)} {event.brain or '-'}: {KINDS[event.kind][1]}: {event.text}" for event in report.events]


def clock(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, tz=timezone.utc).strftime("%H:%M:%SZ")


def summary(brain: BrainReport) -> str:
    """One line about one brain."""
    if brain.status == "busy":
        return f"{brain.brain}: another cycle is running; nothing was done"
    parts = [f"mode {brain.mode}" if brain.mode else "no plan", f"{brain.decisions} decisions"]
    parts += [f"{brain.outcomes} outcomes, {brain.failed} of them failed"] if brain.outcomes else []
    parts += [f"{brain.reads} reads"] if brain.reads is not None else []
    return f"{brain.brain}: {', '.join(parts)}"


def sections(events: Sequence[Event]) -> list[dict[str, Any]]:
    """Events grouped by what happened, in the order of KINDS; empty groups are left out.

    `news` tells that something was done; of the rest a receiver may leave out what it told before.
    """
    grouped = []
    for kind, (heading, _, level) in KINDS.items():
        items = [{"text": f"{event.brain}: {event.text}", **event.details} for event in events if event.kind == kind]
        if items:
            news = kind in DONE
            grouped.append({"title": heading, "level": level, "kind": kind, "news": news, "items": items})
    return grouped


def mail_body(groups: Sequence[Mapping[str, Any]]) -> str:
    """The sections as plain text for a mail integration."""
    blocks = []
    for group in groups:
        lines = [f"- {item['text']}" for item in group["items"][:LINES_IN_MAIL]]
        more = len(group["items"]) - len(lines)
        lines += [f"- and {more} more"] if more else []
        blocks.append("\n".join([f"{group['title']} ({len(group['items'])})", *lines]))
    return "\n\n".join(blocks)


def subject(groups: Sequence[Mapping[str, Any]]) -> str:
    """What happened, in one short line."""
    counts = [f"{len(group['items'])} {group['title'].lower()}" for group in groups if group["kind"] != "already"]
    return f"{TITLE}: {', '.join(counts[:3])}"


def is_worth(events: Sequence[Event], kinds: Sequence[str]) -> bool:
    return any(event.kind in kinds for event in events)


def cycle_output(report: Report, *, dry_run: bool) -> dict[str, Any]:
    """The cycle for the context, under `VectraResponse.Cycle`."""
    counts = {kind: sum(event.kind == kind for event in report.events) for kind in KINDS}
    return {
        "at": int(report.started),
        "status": report.status,
        "dry_run": dry_run,
        "brains": [
            {
                "brain": brain.brain,
                "mode": brain.mode,
                "status": brain.status,
                "decisions": brain.decisions,
                "outcomes": brain.outcomes,
                "failed": brain.failed,
                "reads": brain.reads,
            }
            for brain in report.brains
        ],
        "counts": {kind: count for kind, count in counts.items() if count},
        "timeline": timeline(report),
        "notified": report.notified,
    }


# ---- steps


def find_brains(house: House, options: Options) -> list[str]:
    """The named brains, or all enabled ones. Raises ValueError when there is none or a name is wrong."""
    enabled = instances_of(house, BRAIN_BRAND)
    unknown = [name for name in options.brains if name not in enabled]
    if unknown:
        raise ValueError(f"Argument 'brains': no enabled instance of {BRAIN_BRAND} is called {', '.join(unknown)}.")
    if not enabled:
        raise ValueError(f"There is no enabled instance of {BRAIN_BRAND}; add one per Vectra brain.")
    return list(options.brains) or enabled


def read_destinations(house: House, options: Options) -> dict[str, str]:
    """The static list as arguments of the plan. A list that cannot be read is told as such, never as an empty one."""
    name = {"list": options.list_name} if options.list_name else {}
    if options.destinations_error:
        return {"destinations_error": options.destinations_error, **name}
    if options.destinations is not None:
        return {"destinations": options.destinations, **name}
    if not options.list_name:
        return {}
    try:
        return {"destinations": list_text(run(house, "getList", {"listName": options.list_name})), **name}
    except CommandFailed as error:
        return {"destinations_error": str(error), **name}


def run_cycle(house: House, options: Options) -> Report:
    """One cycle over all brains. What fails is in the report; raises ValueError only for wrong arguments."""
    report = Report(house.now())
    brains = find_brains(house, options)
    wishes = {
        "dry_run": str(options.dry_run).lower(),
        "groom": str(options.groom).lower(),
        "drivers": json.dumps(driver_list(house)),
        **read_destinations(house, options),
    }
    for brain in brains:
        report.brains.append(BrainReport(brain))
        run_brain(house, options, wishes, report)
    if not options.dry_run:
        if any(brain.leased for brain in report.brains):
            reconcile(house, options, report)
        for done in report.brains:
            end_brain(house, options, report, done)
        notify(house, options, report)
    return report


def run_brain(house: House, options: Options, wishes: Mapping[str, str], report: Report) -> None:
    """Plan, intent, and every decision of the last brain of the report. Its failures stay its own."""
    own = report.brains[-1]
    try:
        if not options.dry_run:
            if not take_lease(house, options, own.brain):
                own.status = "busy"
                return
            own.leased = True
        decisions = make_plan(house, options, wishes, report, own)
        if decisions:
            record(house, report, own.brain, options.owner, "intent", decisions=decisions)
        for decision in decisions:
            rows = carry_out(house, report, decision, own.brain)
            tell(report, own, rows, decision)
            record(house, report, own.brain, options.owner, "outcome", decisions=[decision], outcomes=rows)
    except CommandFailed as error:
        trouble(house, report, own, str(error))


def trouble(house: House, report: Report, own: BrainReport, text: str) -> None:
    own.status = "error"
    report.events.append(Event("problem", own.brain, text, house.now()))


def take_lease(house: House, options: Options, brain: str) -> bool:
    """May this cycle work on the brain? Not while another one does."""
    entries = ask_brain(house, brain, RECORD, {"stage": "start", "owner": options.owner})
    answers = context_items(entries, CYCLE)
    return not any(answer.get("busy") for answer in answers)


def make_plan(
    house: House, options: Options, wishes: Mapping[str, str], report: Report, own: BrainReport
) -> list[dict[str, Any]]:
    """The decisions to carry out now; what else the plan says goes into the report."""
    plans = context_items(ask_brain(house, own.brain, PLAN, wishes), "VectraResponse.Plan")
    if not plans:
        raise CommandFailed(f"{PLAN} gave no plan")
    plan = about(plans[0], options.keys)
    own.mode, own.reads = str(plan.get("mode") or ""), plan.get("reads")
    own.decisions = len(plan.get("decisions") or [])
    report.events += plan_events(plan, own.brain, house.now(), dry_run=options.dry_run)
    if plan.get("errors"):
        own.status = "error"
    return allowed(plan, dry_run=options.dry_run)


def carry_out(house: House, report: Report, decision: Mapping[str, Any], brain: str) -> list[dict[str, Any]]:
    """Run the generic command of a decision; every driver's answer is an outcome, a refusal too."""
    rows: list[dict[str, Any]] = []
    for call in calls_of(decision):
        asked = {**decision, "elements": decision["adopt"]} if call.args.get("adopt") else decision
        try:
            rows += outcome_rows(run(house, call.command, call_args(call)), call, asked, brain, house.now())
        except CommandFailed as error:
            if call.instance:
                rows += failed_rows(asked, brain, call.instance, "", str(error), house.now())
            else:
                text = f"{who(decision['key'], decision.get('name', ''))}: {call.command}: {error}"
                report.events.append(Event("problem", brain, text, house.now()))
    return rows


def tell(
    report: Report, own: BrainReport, rows: Sequence[Mapping[str, Any]], decision: Mapping[str, Any] | None
) -> None:
    """Count the outcomes of a brain and tell them."""
    own.outcomes += len(rows)
    own.failed += sum(row.get("status") == "failed" for row in rows)
    report.events += [outcome_event(row, decision, own.brain) for row in rows]


def record(
    house: House,
    report: Report,
    brain: str,
    owner: str,
    stage: str,
    decisions: Sequence[Mapping[str, Any]] = (),
    outcomes: Sequence[Mapping[str, Any]] = (),
) -> None:
    """Put one stage on record with the brain. An outcome without a driver's name is no driver's and is left out.

    What could not be shown on Vectra is told; the record itself is kept then, and the next cycle shows it.
    """
    kept = json.dumps([row for row in outcomes if row.get("instance")])
    args = {"stage": stage, "owner": owner, "decisions": json.dumps(list(decisions)), "outcomes": kept}
    for answer in context_items(ask_brain(house, brain, RECORD, args), RECORDED):
        report.events += [Event("warning", brain, one_line(text), house.now()) for text in answer.get("errors") or []]


def reconcile(house: House, options: Options, report: Report) -> None:
    """Let every driver follow what is not settled, and record what they found with the brain it belongs to.

    Grooming lets them look at what is settled as well: accounts, detections and destinations have no other grooming.
    A brain that takes no part in this cycle gets its outcomes too: drivers tell them once.
    """
    try:
        entries = run(house, RECONCILE, {"verify": "true"} if options.groom else {})
    except CommandFailed as error:
        report.events.append(Event("warning", "", f"{RECONCILE}: {error}", house.now()))
        return
    report.events += [
        Event("problem", "", f"{instance}: {RECONCILE}: {text}", house.now())
        for instance, _, text in errors_of(entries)
    ]
    enabled = instances_of(house, BRAIN_BRAND)
    own = {brain.brain: brain for brain in report.brains}
    for brain, rows in by_brain(context_items(entries, OUTCOME)).items():
        told = own.get(brain, BrainReport(brain))
        tell(report, told, rows, None)
        if brain in enabled:
            attempt(house, report, told, partial(record, house, report, brain, options.owner, "outcome", (), rows))


def attempt(house: House, report: Report, own: BrainReport, step: Callable[[], object]) -> None:
    """Run one step of a brain; its failure is told and stops nobody else."""
    try:
        step()
    except CommandFailed as error:
        trouble(house, report, own, str(error))


def end_brain(house: House, options: Options, report: Report, own: BrainReport) -> None:
    """End the cycle of a brain, which gives the lease back."""
    if own.leased:
        attempt(house, report, own, lambda: record(house, report, own.brain, options.owner, "end"))


def notify(house: House, options: Options, report: Report) -> None:
    """Tell people once about a cycle in which something happened. A message that cannot be sent is itself told."""
    groups = sections(report.events)
    if not options.notify or not is_worth(report.events, WORTH_TELLING):
        return
    title = subject(groups)
    if instances_of(house, NOTIFIER_BRAND):
        send(house, report, "response-notify-send", {"title": title, "sections": json.dumps(groups)})
    if options.mail_to and is_worth(report.events, WORTH_A_MAIL):
        send(house, report, "send-mail", {"to": options.mail_to, "subject": title, "body": mail_body(groups)})


def send(house: House, report: Report, command: str, args: Mapping[str, Any]) -> None:
    try:
        failed = errors_of(run(house, command, args))
        reason = "; ".join(f"{instance}: {text}" for instance, _, text in failed)
    except CommandFailed as error:
        reason = str(error)
    if reason:
        report.events.append(Event("problem", "", f"{command}: {reason}", house.now()))
    else:
        report.notified.append(command)


# ---- the command


def options_from_args(args: Mapping[str, Any], owner: str) -> Options:
    """The arguments, checked. Raises ValueError naming argument and value."""
    return Options(
        owner=str(args.get("owner") or owner),
        brains=words(args, "brains"),
        dry_run=flag(args, "dry_run"),
        groom=flag(args, "groom"),
        list_name=str(args.get("list_name") or "").strip(),
        destinations=None if args.get("destinations") is None else str(args["destinations"]),
        destinations_error=one_line(args.get("destinations_error")),
        notify=flag(args, "notify", default=True),
        mail_to=str(args.get("mail_to") or "").strip(),
        keys=words(args, "keys"),
    )


def cycle_results(report: Report, *, dry_run: bool) -> CommandResults:
    """The timeline for the war room, the numbers for the context."""
    lines = [*timeline(report), *(summary(brain) for brain in report.brains)]
    lines += [f"told by {command}" for command in report.notified]
    heading = f"### Vectra response cycle{' (dry run)' if dry_run else ''}: {report.status}"
    return CommandResults(
        outputs_prefix=CYCLE,
        outputs_key_field="at",
        outputs=cycle_output(report, dry_run=dry_run),
        readable_output="\n".join([heading, *(f"- {line}" for line in lines)]),
    )


def main() -> None:
    """Run one cycle. A brain or driver that fails is told in the result; an error entry means wrong arguments."""
    try:
        options = options_from_args(demisto.args(), uuid.uuid4().hex)
        return_results(cycle_results(run_cycle(house_of(), options), dry_run=options.dry_run))
    except Exception as error:
        return_error(f"VectraResponseCycle: {error}", error=error)


if __name__ in ("__main__", "__builtin__", "builtins"):
    main()
