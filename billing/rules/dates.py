"""Whether a service of this date may be charged on this day."""

from __future__ import annotations

import datetime as dt

from billing.context import Context
from billing.rules.rule import CFR_FILING, CPT, OWN, START, Finding, Warned, fine, hold, idle, reject, rule


@rule("R-DT-01", CPT, since=None)
def too_early(case: Context) -> Finding:
    if case.day is not None and case.day < START:
        return reject("The codes for 3D rendering exist from 2006-01-01 on; the service was before.")
    return idle("The codes were in force on the service date.")


@rule("R-DT-02", OWN, since=None)
def in_the_future(case: Context) -> Finding:
    if case.day is not None and case.day > case.as_of:
        return reject(f"The service date {case.day} lies after the day of deciding, {case.as_of}.")
    return idle("The service date is not in the future.")


@rule("R-DT-03", CFR_FILING)
def filed_in_time(case: Context) -> Finding:
    if case.day is None:
        return idle("Without a service date there is no filing limit to look at.")
    if case.medicare:
        if case.as_of > one_year_on(case.day):
            last = one_year_on(case.day)
            return reject(
                f"Medicare takes claims until one year after the service, {last}; this is decided on {case.as_of}."
            )
        return idle("Within Medicare's year for filing.")
    days = case.record.filing_days if case.record else None
    if days is not None and (case.as_of - case.day).days > days:
        return idle(
            "The payer's filing limit has passed.",
            warnings=(Warned("W-DT-03", f"The payer's record gives {days} days for filing; they have passed."),),
        )
    return idle("No filing limit is known to have passed.")


@rule("R-DT-04", OWN, since=None)
def date_known(case: Context) -> Finding:
    if case.day is None:
        return hold("The service date is not known.", ("service.date", "On which day was the 3D work done?"))
    return fine(f"The service date is {case.day.isoformat()}.")


def one_year_on(day: dt.date) -> dt.date:
    """The same date a year later; 29 February becomes 28 February, and the calendar's last year has no later one."""
    if day.year == dt.MAXYEAR:
        return dt.date.max
    leap = (day.month, day.day) == (2, 29)
    return day.replace(year=day.year + 1, day=28 if leap else day.day)


RULES = (too_early, in_the_future, filed_in_time, date_known)
