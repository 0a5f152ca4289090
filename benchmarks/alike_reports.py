"""Made-up annual reports, alike but for their names: ``python benchmarks/alike_reports.py FOLDER``.

Twenty companies, five years each, seventeen pages a report, and 200 questions that name a company and a year,
as analysts ask them. Writes a BEIR folder for ``footnote eval retrieval`` and ``benchmarks/ranking.py``. In a
shared store of such reports the right page is lost to the same page of another company or year. All names
and figures are made up or drawn at random, from one seed.
"""

from __future__ import annotations

import argparse
import json
import random
import re
from pathlib import Path

SEED = 7
QUESTIONS = 200
YEARS = range(2018, 2023)
COMPANIES = {
    "Adler Tools": "steel tools",
    "Brightwater Energy": "power",
    "Corvina Foods": "packaged food",
    "Danforth Airlines": "passenger flights",
    "Eastlake Semiconductors": "chips",
    "Ferrous Metals": "alloys",
    "Granite Insurance": "policies",
    "Halcyon Media": "advertising",
    "Ivory Coast Trading": "cocoa",
    "Juniper Health": "hospital care",
    "Kestrel Aerospace": "aircraft parts",
    "Lumen Retail": "groceries",
    "Mondial Chemicals": "polymers",
    "Northgate Bank": "loans",
    "Oakhurst Brewing": "beer",
    "Pinecrest Software": "subscriptions",
    "Quarry Cement": "clinker",
    "Ridgeway Pharma": "vaccines",
    "Sterling Paper": "pulp",
    "Tidewater Shipping": "containers",
}
RISKS = (
    "Our business is exposed to the economy, to competition and to the cost of raw materials.",
    "Statements about the future rest on assumptions, and results may differ from them.",
    "Laws in many countries apply to us, and breaking them could bring fines and restrictions.",
    "If our information systems fail or are broken into, operations and reputation suffer.",
    "We depend on attracting and keeping skilled people.",
    "Changes in tax law could raise our effective tax rate and lower cash flows.",
)
# #2-6 is a number from 2 to 6, <a|b> one of both, and a line that begins with | a row of three figures.
PAGES = (
    ("cover", "ANNUAL REPORT for the fiscal year ended December 31, {year}. {company}, Inc."),
    (
        "business",
        """Item 1. Business. The Company supplies {goods} in #2-6 segments and employs #3000-90000 people
        worldwide. {risks:1}""",
    ),
    ("risk", "Item 1A. Risk Factors. {risks:5}"),
    ("risk", "Item 1A. Risk Factors (continued). {risks:5} The market for {goods} is cyclical."),
    (
        "properties",
        """Item 2. Properties. The Company owns or leases #20-90 plants. Item 3. Legal Proceedings. Claims are
        pending; it recorded legal accruals of $#10-900 million.""",
    ),
    (
        "outlook",
        """Item 7. Discussion and Analysis. Net sales <rose|fell> with volume and prices of {goods}. Operating
        margin was #5-28 percent; gross margin <improved|declined> because of <raw materials|freight>.""",
    ),
    (
        "liquidity",
        """Liquidity and Capital Resources. The credit agreement is for $#500-5000 million. The credit rating
        is <A|A-|BBB+> with a <stable|negative|positive> outlook. Dividends per share were $#1-5.#10-99.""",
    ),
    (
        "income",
        """Consolidated Statement of Income. Years ended December 31. {years}
        |Net sales\n|Cost of sales\n|Selling, general and administrative expenses\n|Operating income
        |Interest expense\n|Income before income taxes\n|Provision for income taxes\n|Net income""",
    ),
    (
        "balance",
        """Consolidated Balance Sheet. At December 31. {years}
        |Cash and cash equivalents\n|Accounts receivable, net\n|Total inventories\n|Total current assets
        |Property, plant and equipment, net\n|Goodwill\n|Total assets\n|Total liabilities\n|Total equity""",
    ),
    (
        "cash",
        """Consolidated Statement of Cash Flows. Years ended December 31. {years}
        |Net income\n|Depreciation and amortization\n|Net cash provided by operating activities
        |Purchases of property, plant and equipment (PP&E)\n|Net cash used in investing activities
        |Purchases of treasury stock\n|Dividends paid\n|Net cash used in financing activities""",
    ),
    (
        "equity",
        """Consolidated Statement of Changes in Equity. {years}
        |Balance at beginning of year\n|Dividends declared\n|Reacquired stock\n|Balance at end of year""",
    ),
    (
        "segments",
        """Note 19. Business Segments. {years}
        |Segment Americas, {goods}\n|Segment Europe, {goods}\n|Segment Asia, {goods}""",
    ),
    (
        "debt",
        """Note 12. Long-Term Debt and Short-Term Borrowings. {years}
        |Fixed rate notes\n|Floating rate notes\n|Commercial paper\n|Other borrowings""",
    ),
    (
        "tax",
        """Note 10. Income Taxes. The effective tax rate was #12-29 percent. {years}
        |Current federal\n|Current state\n|Deferred\n|Unrecognized tax benefits""",
    ),
    (
        "pension",
        """Note 13. Pension and Postretirement Benefit Plans. {years}
        |Benefit obligation\n|Fair value of plan assets\n|Funded status\n|Net periodic benefit cost""",
    ),
    (
        "deals",
        """Note 3. Acquisitions and Divestitures. In {year} the Company completed the <acquisition|sale> of a
        <filter|coatings|logistics|software> business for $#100-4000 million.""",
    ),
    ("controls", "Item 9A. Controls and Procedures. Internal control over reporting was effective."),
)
ASKED = (
    ("cash", "What is the FY{year} capital expenditure (in USD millions) for {company}? See its cash flows."),
    ("balance", "Assume that you are an analyst. What is the year end FY{year} net PP&E for {company}?"),
    ("income", "What was {company}'s operating income in {year}?"),
    ("outlook", "What drove operating margin change as of FY{year} for {company}?"),
    ("liquidity", "What was the credit rating outlook of {company} in {year}, and its dividend per share?"),
    ("segments", "Which segment had the highest sales for {company} in FY{year}?"),
    ("debt", "How much commercial paper did {company} have outstanding at the end of {year}?"),
    ("tax", "What was the effective tax rate of {company} in FY{year}?"),
    ("pension", "What are {company}'s pension plan assets for fiscal year {year}?"),
    ("deals", "What are major acquisitions that {company} has done in FY{year}?"),
    ("properties", "How large were the legal accruals of {company} in its {year} report?"),
    ("balance", "Is {company} a capital-intensive business based on FY{year} data and its total assets?"),
    ("cash", "How much has {company} spent on buying back shares in fiscal {year}?"),
    ("business", "How many people did {company} employ in {year}?"),
    ("income", "What is the FY{year} EBITDA for {company}? Base it on the statement of income."),
)


def page(template: str, company: str, year: int, chance: random.Random) -> str:
    """A page of one report: the template with its figures and words drawn."""

    def number(match: re.Match[str]) -> str:
        return f"{chance.randint(int(match[1]), int(match[2])):,}"

    lines = [line.strip() for line in template.splitlines()]
    rows = (f"\n{line[1:]}{' #50-30000' * 3}" if line.startswith("|") else f" {line}" for line in lines)
    text = "".join(rows).strip()
    text = re.sub(r"{risks:(\d)}", lambda match: " ".join(chance.sample(RISKS, int(match[1]))), text)
    text = re.sub(r"<([^>]+)>", lambda match: chance.choice(match[1].split("|")), text)
    years = f"(Millions, except per share amounts) {year} {year - 1} {year - 2}"
    text = text.format(company=company, year=year, years=years, goods=COMPANIES[company])
    return re.sub(r"#(\d+)-(\d+)", number, text)


def write_reports(folder: Path) -> None:
    """Write ``corpus.jsonl``, ``queries.jsonl`` and ``qrels.tsv`` into ``folder``."""
    chance = random.Random(SEED)
    corpus: list[dict[str, str]] = []
    pages_of: dict[tuple[str, int, str], list[str]] = {}
    for company in COMPANIES:
        for year in YEARS:
            title = f"{company.split()[0].upper()}_{year}_10K"
            for number, (kind, template) in enumerate(PAGES, start=1):
                id_ = f"{title}-{number}"
                corpus.append({"_id": id_, "title": title, "text": page(template, company, year, chance)})
                pages_of.setdefault((company, year, kind), []).append(id_)
    queries, qrels = [], ["query-id\tcorpus-id\tscore"]
    for number in range(QUESTIONS):
        company, year = chance.choice(list(COMPANIES)), chance.choice(YEARS)
        kind, form = chance.choice(ASKED)
        called = chance.choice([company, company.split()[0]])
        queries.append({"_id": f"q{number}", "text": form.format(year=year, company=called)})
        qrels += [f"q{number}\t{id_}\t1" for id_ in pages_of[company, year, kind]]
    folder.mkdir(parents=True, exist_ok=True)
    for name, records in (("corpus", corpus), ("queries", queries)):
        (folder / f"{name}.jsonl").write_text("".join(json.dumps(record) + "\n" for record in records))
    (folder / "qrels.tsv").write_text("\n".join(qrels) + "\n")
    print(f"{len(corpus)} pages and {len(queries)} questions in {folder}")


def main() -> None:
    """Write the folder given."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    write_reports(parser.parse_args().folder)


if __name__ == "__main__":
    main()
