"""Debian's python3-icalendar reads a feed back, and khal after it was imported: what was logged is what they show."""
import json
import os
import subprocess
import sys
import tempfile
import urllib.request
from datetime import date, datetime, timezone

import icalendar

URL = "http://127.0.0.1:" + os.environ["TRACKTWO_HTTP"]
TITLE = "타슈켄트 회담, 비공개; \\ 긴 한국어 제목은 접혀도 글자가 깨지지 않는다 😀 우즈베키스탄에서 열린 네 번째 준비 회의"


def call(method, **params):
    request = urllib.request.Request(URL + "/rpc", json.dumps(
        {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}).encode(), {
            "Content-Type": "application/json", "Authorization": "Bearer " + os.environ["TRACKTWO_TOKEN"]})
    answer = json.load(urllib.request.urlopen(request))
    assert "error" not in answer, answer
    return answer["result"]


def log(title, **more):
    return call("engagement.log", title=title, kind="visit", countries=["UZ"], workstreams=["1.3"], **more)["id"]


timed = log(TITLE, starts_at="2099-03-01T10:00:00+09:00", ends_at="2099-03-01T12:30:00+09:00", location="호텔; 2층, 홀")
days = log("사흘 방문", starts_on="2099-03-03", ends_on="2099-03-05")
month = log("한 달", starts_on="2096-02-10", precision="month")
cancelled = log("취소된 방문", starts_on="2099-04-01", status="cancelled")
reminder = call("reminder.create", note="한 줄\n두 줄", due_at="2099-02-01T00:00:00Z", about={"engagement_id": timed})["id"]
text = urllib.request.urlopen(URL + call("calendar.create", country="UZ", name="우즈베크")["path"]).read()


def by_icalendar():
    calendar = icalendar.Calendar.from_ical(text)
    assert calendar["X-WR-CALNAME"] == "우즈베크"
    items = {str(item["UID"]): item for item in calendar.subcomponents}
    assert set(items) == {timed, days, month, cancelled, reminder}
    assert not any(item.errors for item in calendar.walk()), [item.errors for item in calendar.walk()]
    item = items[timed]
    assert item["SUMMARY"] == TITLE and item["LOCATION"] == "호텔; 2층, 홀"
    assert item["DTSTART"].dt == datetime(2099, 3, 1, 1, tzinfo=timezone.utc)
    assert item["DTEND"].dt == datetime(2099, 3, 1, 3, 30, tzinfo=timezone.utc)
    assert item["STATUS"] == "CONFIRMED" and item["SEQUENCE"] == 0
    assert items[days]["DTSTART"].dt == date(2099, 3, 3) and items[days]["DTEND"].dt == date(2099, 3, 6)
    assert items[month]["DTSTART"].dt == date(2096, 2, 1) and items[month]["DTEND"].dt == date(2096, 3, 1)
    assert items[cancelled]["STATUS"] == "CANCELLED"
    item = items[reminder]
    assert item.name == "VTODO" and item["SUMMARY"] == "한 줄\n두 줄" and item["STATUS"] == "NEEDS-ACTION"
    assert item["DUE"].dt == datetime(2099, 2, 1, tzinfo=timezone.utc)
    alarm, = item.subcomponents
    assert alarm["TRIGGER"].dt == datetime(2099, 2, 1, tzinfo=timezone.utc)


CONFIG = """[calendars]
[[feed]]
path = {folder}/feed
[locale]
local_timezone = Asia/Seoul
default_timezone = Asia/Seoul
timeformat = %H:%M
dateformat = %Y-%m-%d
longdateformat = %Y-%m-%d
datetimeformat = %Y-%m-%d %H:%M
longdatetimeformat = %Y-%m-%d %H:%M
[default]
default_calendar = feed
[sqlite]
path = {folder}/khal.db
"""


def by_khal():
    with tempfile.TemporaryDirectory() as folder:
        os.mkdir(folder + "/feed")
        with open(folder + "/config", "w", encoding="utf-8") as config:
            config.write(CONFIG.format(folder=folder))
        with open(folder + "/feed.ics", "wb") as file:
            file.write(text)

        def khal(*words):
            ran = subprocess.run(["/usr/bin/khal", "-c", folder + "/config", *words], capture_output=True, text=True,
                                 env={"LC_ALL": "C.UTF-8", "HOME": folder, "PATH": "/usr/bin:/bin"})
            noise = [line for line in ran.stderr.splitlines() if line and not line.startswith("warning: ")]
            assert ran.returncode == 0 and not noise, (words, ran)
            return ran.stdout

        khal("import", "--batch", folder + "/feed.ics")
        shown = khal("list", "--once", "2099-03-01", "2099-04-02", "--day-format", "", "--format",
                     "{uid}|{start-long}|{end-long}|{title}|{location}|{status}").splitlines()
        assert [line for line in shown if line] == [
            f"{timed}|2099-03-01 10:00|2099-03-01 12:30|{TITLE}|호텔; 2층, 홀|CONFIRMED ",
            f"{days}|2099-03-03|2099-03-05|사흘 방문||CONFIRMED ",
            f"{cancelled}|2099-04-01|2099-04-01|취소된 방문||CANCELLED "], shown
        shown = khal("list", "--once", "2096-01-31", "2096-03-02", "--day-format", "", "--format",
                     "{start-long}|{end-long}|{title}").split("\n")
        assert [line for line in shown if line] == ["2096-02-01|2096-02-29|한 달"], shown


status = 0
for name, run in {"python3-icalendar: the feed, value by value": by_icalendar, "khal: the feed, imported": by_khal}.items():
    try:
        run()
        print(f"ok     {name}")
    except Exception as fault:
        print(f"FAILED {name}\n       {type(fault).__name__}: {fault}")
        status = 1
sys.exit(status)
