#!/usr/bin/python3
"""Random recurrence rules, expanded by build/tests/recurrence/expand and by Debian's python3-dateutil, must agree.

dateutil works on wall clock times here, and Python's zoneinfo turns them into instants: neither shares code with what is
tested. Where dateutil departs from RFC 5545, rule_of_dateutil() rewrites the rule so that it means there what the RFC says;
each such class stands there with its section. Usage: compare.py PROGRAM, with RECURRENCE_RULES (10000) and RECURRENCE_SEED
in the environment.
"""
import datetime as calendar
import os
import random
import subprocess
import sys
import time
from collections import Counter
from datetime import datetime, timedelta, timezone
from itertools import islice
from zoneinfo import ZoneInfo

from dateutil import rrule

ZONES = ["UTC", "Asia/Seoul", "Asia/Pyongyang", "America/New_York", "Europe/Berlin", "Europe/London", "Australia/Lord_Howe",
         "Pacific/Apia", "Africa/Casablanca", "America/Sao_Paulo", "Asia/Tehran", "Asia/Shanghai", "Asia/Beirut"]
# Nights on which the clocks of one of the zones change: rules that begin near one meet gaps and overlaps.
TURNS = {"America/New_York": ["2026-03-08", "2026-11-01"], "Europe/Berlin": ["2026-03-29", "2026-10-25"],
         "Europe/London": ["2026-03-29", "2026-10-25"], "Asia/Pyongyang": ["2015-08-15", "2018-05-05"],
         "Asia/Seoul": ["1987-05-10", "1987-10-11", "1988-05-08", "1988-10-09"], "Australia/Lord_Howe": ["2026-04-05", "2026-10-04"],
         "Pacific/Apia": ["2011-12-30"], "Asia/Beirut": ["2026-03-29", "2026-10-25"], "America/Sao_Paulo": ["2018-11-04", "2018-02-18"]}
DAYS = ["MO", "TU", "WE", "TH", "FR", "SA", "SU"]
EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
# How far dateutil looks, in days: beyond it nothing is compared.
HORIZON = {"YEARLY": 60 * 365, "MONTHLY": 25 * 365, "WEEKLY": 8 * 365, "DAILY": 6 * 365, "HOURLY": 400, "MINUTELY": 20, "SECONDLY": 2}
MOST_LOCALS = {"MINUTELY": 3000, "SECONDLY": 10000}


def micros(moment):
    return (moment - EPOCH) // timedelta(microseconds=1)


def instant_of(zone, local):
    """fold=0: the first of two; in a gap the offset before it, which moves the time forward (PEP 495, RFC 5545 3.3.5)."""
    return micros(local.replace(tzinfo=zone, fold=0).astimezone(timezone.utc))


def some(dice, values, most):
    return sorted(dice.sample(values, dice.randint(1, min(most, len(values)))), key=lambda _: dice.random())


def signed(dice, values, most):
    return [value if dice.random() < 0.6 else -value for value in some(dice, values, most)]


def most_of_a_day(parts):
    """How often a day of the week can come in what its number counts in: the month, or the year (dateutil fails above)."""
    return 5 if parts["FREQ"] == ["MONTHLY"] or "BYMONTH" in parts else 53


def random_days(dice, parts):
    days = some(dice, DAYS, 4)
    if parts["FREQ"][0] not in ("MONTHLY", "YEARLY") or "BYWEEKNO" in parts or dice.random() < 0.4:
        return days
    most = most_of_a_day(parts) if dice.random() < 0.5 else 5
    # Plain and numbered days may stand beside each other.
    return [day if dice.random() < 0.25 else f"{signed(dice, range(1, most + 1), 1)[0]}{day}" for day in days]


def random_rule(dice):
    """The parts of a rule that RFC 5545 section 3.3.10 allows, as {name: [values]}."""
    freq = dice.choices(list(HORIZON), weights=[25, 25, 20, 15, 13, 1, 1])[0]
    parts = {"FREQ": [freq]}
    maybe = lambda chance: dice.random() < chance
    if maybe(0.45):
        parts["INTERVAL"] = [dice.choice([1, 2, 2, 3, 4, 5, 6, 7, 11, 13, 24, 36])]
    if maybe(0.35):
        parts["WKST"] = [dice.choice(DAYS)]
    if maybe(0.3):
        parts["BYMONTH"] = some(dice, range(1, 13), 4)
    if freq == "YEARLY" and maybe(0.25):
        parts["BYWEEKNO"] = signed(dice, [1, 2, 9, 20, 26, 51, 52, 53], 3)
    if freq in ("YEARLY", "HOURLY", "MINUTELY", "SECONDLY") and maybe(0.15):
        parts["BYYEARDAY"] = signed(dice, [1, 2, 59, 60, 61, 100, 200, 300, 364, 365, 366], 4)
    if freq != "WEEKLY" and maybe(0.3):
        parts["BYMONTHDAY"] = signed(dice, range(1, 32), 5)
    if maybe(0.4):
        parts["BYDAY"] = random_days(dice, parts)
    if maybe(0.3):
        parts["BYHOUR"] = some(dice, range(24), 4)
    if maybe(0.2):
        parts["BYMINUTE"] = some(dice, range(60), 3)
    if maybe(0.1):
        parts["BYSECOND"] = some(dice, range(61), 3)
    if freq != "SECONDLY" and any(name.startswith("BY") for name in parts) and maybe(0.25):
        parts["BYSETPOS"] = signed(dice, [1, 2, 3, 4, 5, 7, 10, 31, 53, 100], 3)
    return parts


def text_of(parts):
    return ";".join(f"{name}={','.join(map(str, values))}" for name, values in parts.items())


def rule_of_dateutil(parts, start):
    """What makes dateutil follow RFC 5545: the rewritten parts, and where it has to begin."""
    freq, parts = parts["FREQ"][0], {name: list(values) for name, values in parts.items()}
    if "BYSECOND" in parts:
        # Section 3.3.12: second 60 reads as 59 where leap seconds are not supported; dateutil fails.
        parts["BYSECOND"] = sorted({min(second, 59) for second in parts["BYSECOND"]})
    if "BYWEEKNO" in parts and not {"BYDAY", "BYMONTHDAY", "BYYEARDAY"} & set(parts):
        # Section 3.3.10: what the rule does not say comes from the start, so one day of the week; dateutil takes all seven.
        parts["BYDAY"] = [DAYS[start.weekday()]]
    if any(day[:-2] for day in parts.get("BYDAY", [])) and any(not day[:-2] for day in parts["BYDAY"]):
        # Section 3.3.10: a list names days, each adds its own; dateutil wants a day to be both in a mixed list.
        parts["BYDAY"] = [f"{n}{day}" if not day[:-2] else day
                          for day in parts["BYDAY"] for n in (range(1, most_of_a_day(parts) + 1) if not day[:-2] else [0])]
    if freq == "WEEKLY" and "BYSETPOS" in parts:
        # Section 3.3.10: positions count in one interval, here a week from WKST; dateutil cuts the first one at the start.
        parts.setdefault("BYDAY", [DAYS[start.weekday()]])
        for name, value in (("BYHOUR", start.hour), ("BYMINUTE", start.minute), ("BYSECOND", start.second)):
            parts.setdefault(name, [value])
        first = DAYS.index(parts.get("WKST", ["MO"])[0])
        start = (start - timedelta(days=(start.weekday() - first) % 7)).replace(hour=0, minute=0, second=0)
    return parts, start


def week_fits(day, rule):
    """Section 3.3.10, BYWEEKNO: the week belongs to the year that holds its fourth day; -1 is the last one of that year."""
    fourth = lambda of: of + timedelta(days=3 - (of.weekday() - rule._wkst) % 7)
    number = lambda of: (fourth(of).timetuple().tm_yday - 1) // 7 + 1
    last = number(calendar.date(fourth(day).year, 12, 28))
    return number(day) in rule._byweekno or number(day) - last - 1 in rule._byweekno


def mend_weeks_at_new_year(rebuild):
    """In the weeks that two years share, dateutil knows -1 alone of the numbers from the end, and takes the length of the
    last year from this one; the seven days at either end of its mask of a year are made anew, all others are its own. That
    changes 52, 53, -52 and -53, and makes them agree with Python's isocalendar() for weeks from Monday."""
    def mended(self, year, month):
        rebuild(self, year, month)
        if self.rrule._byweekno and self.wnomask:
            for at in [*range(7), *range(self.yearlen - 7, self.yearlen)]:
                fits = week_fits(calendar.date(year, 1, 1) + timedelta(days=at), self.rrule)
                MENDED["days"] += self.wnomask[at] != fits
                self.wnomask[at] = fits
    return mended


MENDED = Counter()
rrule._iterinfo.rebuild = mend_weeks_at_new_year(rrule._iterinfo.rebuild)


def locals_of_dateutil(parts, start, horizon):
    parts, begin = rule_of_dateutil(parts, start)
    # Where dateutil stops looking for the next time of a rule that has none; UNTIL it compares with what it has found.
    calendar.MAXYEAR = horizon.year
    try:
        for local in rrule.rrulestr("RRULE:" + text_of(parts), dtstart=begin):
            if local > horizon:
                return
            if local >= start:
                yield local
    except ValueError:
        # Its word for a rule that can never meet BYHOUR, BYMINUTE or BYSECOND.
        return


def ends_of(dice, parts, start, locals_, zone):
    """Adds COUNT or UNTIL, in one of its three forms, at an occurrence or beside one."""
    how = dice.choice(["", "", "COUNT", "UNTIL"])
    if how == "COUNT":
        return {**parts, "COUNT": [dice.choice([1, 2, 3, 5, 10, 30])]}, None
    if how == "" or not locals_:
        return parts, None
    at = dice.choice(locals_) + timedelta(seconds=dice.choice([-1, 0, 1, 0, 86400, -86400]))
    form = dice.choice(["DATE", "UTC", "LOCAL"])
    if form == "DATE":
        return {**parts, "UNTIL": [at.strftime("%Y%m%d")]}, ("LOCAL", at.replace(hour=23, minute=59, second=59))
    if form == "LOCAL":
        return {**parts, "UNTIL": [at.strftime("%Y%m%dT%H%M%S")]}, ("LOCAL", at)
    utc = at.replace(tzinfo=zone).astimezone(timezone.utc)
    return {**parts, "UNTIL": [utc.strftime("%Y%m%dT%H%M%SZ")]}, ("UTC", micros(utc))


def expected_of(parts, start_at, fraction, zone, locals_, until):
    """The whole set up to the horizon, before EXDATE, and whether it ends by COUNT or UNTIL."""
    seen = {start_at}
    for local in locals_:
        at = instant_of(zone, local)
        if until and (until[0] == "LOCAL" and local > until[1] or until[0] == "UTC" and at > until[1]):
            continue
        if at + fraction > start_at:
            seen.add(at + fraction)
    count = parts.get("COUNT", [None])[0]
    return sorted(seen)[:count], count is not None and len(seen) >= count


def random_case(dice):
    name = dice.choice(ZONES)
    zone = ZoneInfo(name)
    parts = random_rule(dice)
    if name in TURNS and dice.random() < 0.4:
        start = datetime.fromisoformat(dice.choice(TURNS[name])) + timedelta(minutes=dice.randint(-60 * 48, 60 * 48))
    else:
        start = datetime(dice.randint(1975, 2060), 1, 1) + timedelta(days=dice.randint(0, 365), minutes=dice.randint(0, 1439))
    if dice.random() < 0.3:
        start += timedelta(seconds=dice.randint(0, 59))
    fraction = dice.choice([0, 0, 0, 1, 500000, 999999])
    # A start is an instant: one within a gap is read back as the time that it was moved to.
    start_at = instant_of(zone, start) + fraction
    start = (EPOCH + timedelta(microseconds=start_at - fraction)).astimezone(zone).replace(tzinfo=None, fold=0)
    horizon = start + timedelta(days=HORIZON[parts["FREQ"][0]])
    most_locals = MOST_LOCALS.get(parts["FREQ"][0], 200)
    locals_ = list(islice(locals_of_dateutil(parts, start, horizon), most_locals))
    if len(locals_) == most_locals:
        # Less than the longest gap: what comes later may still be moved before what came sooner.
        horizon = locals_[-1] - timedelta(hours=25 if name == "Pacific/Apia" else 2)
    parts, until = ends_of(dice, parts, start, locals_[:60], zone)
    found, ended = expected_of(parts, start_at, fraction, zone, locals_, until)
    end_at = instant_of(zone, horizon)
    ended = ended or until is not None and (until[1] < horizon if until[0] == "LOCAL" else until[1] < end_at)
    if not ended:
        found = [at for at in found if at == start_at or at <= end_at]
    exdates = dice.sample(found, min(len(found), dice.choice([0, 0, 0, 1, 2, 5])))
    after = dice.choice([start_at - 1, start_at - 1, start_at, dice.choice(found), dice.choice(found) - 1])
    most = dice.choice([1, 2, 5, 10, 40])
    wanted = [at for at in found if at not in exdates and at > after]
    line = "\t".join(map(str, (start_at, name, text_of(parts), ",".join(map(str, exdates)) or "-", after, most)))
    return parts, line, wanted, most, ended, end_at


def disagreement(answer, wanted, most, ended, end_at):
    if answer[0] != "ok":
        return "refused: " + " ".join(answer[1:])
    more, got = answer[1] == "more", [int(at) for at in answer[2:]]
    if got[:most] != got or [at for at in got if ended or at <= end_at or at in wanted] != wanted[:most]:
        return "instants"
    if len(wanted) > most and not more or ended and more != (len(wanted) > most):
        return "whether it goes on"
    return None


def main():
    rules = int(os.environ.get("RECURRENCE_RULES", "10000"))
    seed = int(os.environ.get("RECURRENCE_SEED", "5545"))
    print(f"{rules} random rules, RECURRENCE_SEED={seed}")
    dice, began = random.Random(seed), time.monotonic()
    cases = [random_case(dice) for _ in range(rules)]
    drawn = time.monotonic() - began
    began = time.monotonic()
    answers = subprocess.run([sys.argv[1]], input="".join(case[1] + "\n" for case in cases), capture_output=True, text=True,
                             check=True, timeout=300).stdout.splitlines()
    took = time.monotonic() - began
    assert len(answers) == len(cases), f"{len(answers)} answers to {len(cases)} rules"
    faults, empty = Counter(), 0
    for (parts, line, wanted, most, ended, end_at), answer in zip(cases, answers):
        fault = disagreement(answer.split(), wanted, most, ended, end_at)
        empty += not wanted
        if fault:
            faults[parts["FREQ"][0]] += 1
            if sum(faults.values()) <= int(os.environ.get("RECURRENCE_SHOW", "10")):
                print(f"DIFFERS in {fault}\n  rule     {line}\n  wanted   {wanted[:most]}\n  answered {answer}")
    by_freq = Counter(case[0]["FREQ"][0] for case in cases)
    instants = sum(min(len(case[2]), case[3]) for case in cases)
    print(f"{len(cases) - sum(faults.values())} of {len(cases)} agree: {instants} instants, {empty} rules without any; "
          + ", ".join(f"{freq} {count}" for freq, count in by_freq.most_common()))
    if faults:
        print("differ by frequency:", dict(faults))
    print(f"of dateutil's days by week number, {MENDED['days']} at the turn of a year were set right")
    print(f"dateutil {drawn:.1f} s, ours {took:.2f} s")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
