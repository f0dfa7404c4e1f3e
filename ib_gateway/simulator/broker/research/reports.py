"""Reports about companies as XML, in the manner of those that IB passes on, from the figures of the fixtures.

A report knows what is known on its date: no year before it is over, and reported.
"""

from collections.abc import Callable, Mapping
from datetime import date, timedelta
from xml.etree import ElementTree as ET

from ib_gateway.simulator.broker.research.earnings import reporting_days
from ib_gateway.simulator.broker.research.markup import document, told
from ib_gateway.simulator.fixtures import Company
from ib_gateway.simulator.instruments import Listing

_REPORTED_AFTER = timedelta(days=60)
_DIVIDENDS_PER_YEAR = 4


def report(kind: str, company: Company, listing: Listing, price: float, today: date) -> str | None:
    """The report of a kind, with the share at `price`; None if there is no such kind."""
    write = _KINDS.get(kind)
    return document(write(company, listing, price, today)) if write else None


def _years(company: Company, today: date) -> list[tuple[int, float]]:
    """Years and revenues (millions) that are known, the newest first."""
    known = [
        (year, revenue)
        for year, revenue in enumerate(company.revenue, start=company.first_year)
        if date(year, 12, 31) + _REPORTED_AFTER <= today
    ]
    return known[::-1]


def _identity(root: ET.Element, company: Company, listing: Listing) -> None:
    ids = told(root, "CoIDs")
    told(ids, "CoID", company.name, Type="CompanyName")
    issue = told(told(root, "Issues"), "Issue", ID="1", Type="C", Desc="Common Stock", Order="1")
    told(issue, "IssueID", listing.instrument.symbol, Type="Ticker")
    for kind, number in listing.security_ids:
        told(issue, "IssueID", number, Type=kind)
    told(issue, "Exchange", listing.instrument.primary_exchange, Code=listing.instrument.primary_exchange, Country="USA")


def _snapshot(company: Company, listing: Listing, price: float, today: date) -> ET.Element:
    root = ET.Element("ReportSnapshot", Major="1", Minor="0", Revision="1")
    _identity(root, company, listing)
    general = told(root, "CoGeneralInfo")
    told(general, "Employees", str(company.employees), LastUpdated=today.isoformat())
    told(general, "SharesOut", f"{company.shares * 1e6:.1f}", Date=today.isoformat())
    told(told(root, "TextInfo"), "Text", company.summary, Type="Business Summary", lastModified=today.isoformat())
    officers = told(root, "officers")
    for rank, (title, name) in enumerate(company.officers, start=1):
        officer = told(officers, "officer", rank=str(rank))
        told(officer, "lastName", name)
        told(officer, "title", title)
    told(told(root, "peerInfo"), "Industry", listing.category, type="TRBC", order="1")
    ratios = told(root, "Ratios", PriceCurrency="USD", ReportingCurrency="USD", LatestAvailableDate=today.isoformat())
    for group, values in _ratios(company, price, today).items():
        element = told(ratios, "Group", ID=group)
        for name, value in values.items():
            told(element, "Ratio", f"{value:.5f}", FieldName=name, Type="N")
    return root


def _ratios(company: Company, price: float, today: date) -> Mapping[str, Mapping[str, float]]:
    groups = {"Price and Volume": {"NPRICE": price}, "Income Statement": {"MKTCAP": price * company.shares}}
    years = _years(company, today)
    if years:
        revenue = years[0][1]
        earned = revenue * company.net_margin
        groups["Income Statement"] |= {"TTMREV": revenue, "TTMNIAC": earned}
        groups["Per share data"] = {"TTMEPSXCLX": earned / company.shares, "TTMREVPS": revenue / company.shares}
        groups["Other Ratios"] = {"PEEXCLXOR": price * company.shares / earned, "TTMNPMGN": company.net_margin * 100}
    return groups


def _summary(company: Company, _listing: Listing, _price: float, today: date) -> ET.Element:
    root = ET.Element("FinancialSummary")
    earnings, revenues = told(root, "EPSs", currency="USD"), told(root, "TotalRevenues", currency="USD")
    dividends = told(root, "DividendPerShares", currency="USD")
    for year, revenue in _years(company, today):
        when = {"asofDate": f"{year}-12-31", "reportType": "A", "period": "12M"}
        told(earnings, "EPS", f"{revenue * company.net_margin / company.shares:.5f}", **when)
        told(revenues, "TotalRevenue", f"{revenue * 1e6:.1f}", **when)
        if company.dividend:
            told(dividends, "DividendPerShare", f"{company.dividend * _DIVIDENDS_PER_YEAR:.5f}", **when)
    return root


def _statements(company: Company, listing: Listing, _price: float, today: date) -> ET.Element:
    root = ET.Element("ReportFinancialStatements", Major="1", Minor="0", Revision="1")
    _identity(root, company, listing)
    periods = told(told(root, "FinancialStatements"), "AnnualPeriods")
    for year, revenue in _years(company, today):
        period = told(periods, "FiscalPeriod", Type="Annual", EndDate=f"{year}-12-31", FiscalYear=str(year))
        statement = told(period, "Statement", Type="INC")
        told(statement, "lineItem", f"{revenue:.6f}", coaCode="SREV")
        told(statement, "lineItem", f"{revenue * company.net_margin:.6f}", coaCode="NINC")
    return root


def _estimates(company: Company, listing: Listing, price: float, _today: date) -> ET.Element:
    root = ET.Element("REarnEstCons", Major="1", Minor="0", Revision="1")
    told(told(root, "Company"), "CoName", company.name, Type="Short")
    told(told(told(root, "SecurityInfo"), "Security"), "SecId", listing.instrument.symbol, type="TICKER")
    told(told(root, "MarketData"), "MarketDataItem", f"{price:.2f}", type="CLPRICE", currency="USD")
    target = told(told(told(root, "ConsEstimates"), "NPEstimates"), "NPEstimate", type="TARGETPRICE")
    told(target, "ConsEstimate", f"{company.price_target:.2f}", type="Mean")
    return root


def _calendar(company: Company, listing: Listing, _price: float, today: date) -> ET.Element:
    root = ET.Element("WSHData")
    told(root, "Company", company.name, symbol=listing.instrument.symbol)
    events = told(root, "EarningsList")
    for day in reporting_days(company, today, today + timedelta(days=365)):
        told(events, "Earnings", day.isoformat(), Period=f"Q{(day.month - 1) // 3 + 1}", Etype="Estimated")
    return root


_KINDS: Mapping[str, Callable[[Company, Listing, float, date], ET.Element]] = {
    "ReportSnapshot": _snapshot,
    "ReportsFinSummary": _summary,
    "ReportsFinStatements": _statements,
    "RESC": _estimates,
    "CalendarReport": _calendar,
}
