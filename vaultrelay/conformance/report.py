"""Reports of a run: lines for people, and a file in the format of JUnit."""

from collections import Counter
from collections.abc import Sequence
from xml.etree import ElementTree as ET

from vaultrelay.conformance.case import Case, Level
from vaultrelay.conformance.runner import Result, Verdict

_MARKS = {Verdict.PASSED: "ok  ", Verdict.FAILED: "FAIL", Verdict.NOT_APPLICABLE: "n/a "}


def list_line(case: Case) -> str:
    """Return a case as --list prints it: name, level, and what a client does."""
    return f"{case.name:<58} {case.level.value:<8} {case.about}"


def result_lines(result: Result) -> list[str]:
    """Return the lines for one case; a failure has five, and its transcript."""
    case = result.case
    first = f"  {_MARKS[result.verdict]}  {case.name}"
    if result.verdict is Verdict.NOT_APPLICABLE:
        return [f"{first} ({result.came})"]
    if result.verdict is Verdict.PASSED:
        return [first]
    step = case.steps[result.step - 1].verb if result.step else "start"
    return [
        f"{first} ({case.level.value})",
        f"          {case.about}",
        f"          expected: {result.expected}",
        f"          came:     {result.came}",
        f'          see "{case.section}" in {case.page} (step {result.step}, {step})',
        "          what passed, in seconds:",
        *(f"          {line}" for line in result.transcript),
    ]


def summary(client: str, results: Sequence[Result]) -> str:
    """Return the last line."""
    count = Counter(result.verdict for result in results)
    parts = [f"{count[verdict]} {verdict.value}" for verdict in Verdict if count[verdict]]
    return f"{client}: {', '.join(parts) or 'no case was played'}."


def has_passed(results: Sequence[Result], *, is_strict: bool) -> bool:
    """Return whether no case failed; without `is_strict`, a failed `should` is only reported."""
    failed = [each for each in results if each.verdict is Verdict.FAILED]
    return not any(is_strict or each.case.level is not Level.SHOULD for each in failed)


def junit(client: str, results: Sequence[Result]) -> bytes:
    """Return the results as XML in the format of JUnit."""
    count = Counter(result.verdict for result in results)
    suite = ET.Element(
        "testsuite",
        name="vault-relay conformance",
        tests=str(len(results)),
        failures=str(count[Verdict.FAILED]),
        skipped=str(count[Verdict.NOT_APPLICABLE]),
        time=f"{sum(result.seconds for result in results):.3f}",
    )
    for result in results:
        case = ET.SubElement(
            suite,
            "testcase",
            classname=f"{client}.{result.case.level.value}",
            name=result.case.name,
            time=f"{result.seconds:.3f}",
        )
        if result.verdict is Verdict.NOT_APPLICABLE:
            ET.SubElement(case, "skipped", message=result.came)
        elif result.verdict is Verdict.FAILED:
            fault = ET.SubElement(case, "failure", message=f"expected {result.expected}")
            fault.text = "\n".join(result_lines(result)[1:])
    text: bytes = ET.tostring(suite, encoding="utf-8", xml_declaration=True)
    return text
