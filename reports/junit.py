"""
`junit.xml`, for CI systems: one test case a finding.

A failed promise is a `failure`. An unknown one is an `error` of type `unknown`: CI systems show an
error in red, while `skipped` would let a build without evidence pass.
"""

from xml.etree import ElementTree as ET

from drill.journal import Journal
from reports.fold import Story, fold
from reports.payments import payments_lines
from reports.words import clean_line, outcome_line, repeat_line, safe, why_unfinished


def render_junit(journal: Journal) -> bytes:
    """Give the report in the common JUnit schema (Jenkins' and Testmo's)."""
    story = fold(journal)
    head = story.header
    cases = [_case(story, f.check, f.verdict, f.reason, f.cause) for f in story.findings]
    if why := why_unfinished(story):
        cases.append(_case(story, "the drill ends by itself", "unknown", why, "harness"))
    elif not cases:
        cases.append(_case(story, "something was judged", "unknown", "no finding", "harness"))
    totals = {
        "tests": str(len(cases)),
        "failures": str(sum(case.find("failure") is not None for case in cases)),
        "errors": str(sum(case.find("error") is not None for case in cases)),
        "time": f"{story.end_s:.3f}",
    }
    root = ET.Element("testsuites", {"name": "drill", **totals})
    stamp = story.stamp(0.0).removesuffix("Z")
    suite = ET.SubElement(
        root,
        "testsuite",
        {"name": safe(head.scenario), **totals, "skipped": "0", "timestamp": stamp},
    )
    properties = ET.SubElement(suite, "properties")
    for name, value in {"id": head.id, "seed": str(head.seed), "commit": head.commit}.items():
        ET.SubElement(properties, "property", {"name": name, "value": safe(value)})
    suite.extend(cases)
    lines = payments_lines(story.payments)
    told = (clean_line(story), outcome_line(story), *lines, repeat_line(story))
    ET.SubElement(suite, "system-out").text = safe("\n".join(told))
    return bytes(ET.tostring(root, encoding="utf-8", xml_declaration=True)) + b"\n"


def _case(story: Story, check: str, verdict: str, reason: str, cause: str) -> ET.Element:
    """Make one test case."""
    names = {"name": safe(check), "classname": safe(story.header.scenario), "time": "0"}
    case = ET.Element("testcase", names)
    if verdict != "pass":
        tag, kind = ("failure", cause or "fail") if verdict == "fail" else ("error", "unknown")
        told = ET.SubElement(case, tag, {"message": safe(reason), "type": safe(kind)})
        told.text = safe(f"{reason}\ncause: {cause or 'unknown'}")
    return case
