"""Debian's python3-jsonrpclib-pelix: over HTTP with a token, or on a Unix socket, where it posts to "/"."""
import os
import sys
import uuid

import jsonrpclib

HTTP, TOKEN = os.environ["TRACKTWO_HTTP"], os.environ["TRACKTWO_TOKEN"]


def connect(**options):
    if HTTP.startswith("/"):
        return jsonrpclib.ServerProxy("unix+http://" + HTTP, **options)
    return jsonrpclib.ServerProxy(f"http://127.0.0.1:{HTTP}/rpc", headers={"Authorization": "Bearer " + TOKEN}, **options)


def one_call(server):
    assert server.system.ping()["pong"] is True
    assert server.session.whoami()["role"] == "administrator"


def write_and_read(server):
    made = server.contact.create(name="金大中", country="KR", sector="government")
    assert server.contact.get(id=made["id"])["names"][0]["text"] == "金大中"


def batch(server):
    """Its answers are told apart by their place alone."""
    calls = jsonrpclib.MultiCall(server)
    calls.engagement.history(country="KP")
    calls.system.ping()
    calls.roadmap.get()
    calls._notify.system.ping()
    history, ping, roadmap = calls()
    assert "items" in history and ping["pong"] is True and len(roadmap["phases"]) == 3


def error(server):
    try:
        server.contact.get(id=str(uuid.uuid4()))
    except jsonrpclib.AppError as fault:
        code, _, data = fault.args[0]
        assert code == 404 and data["code"] == "not_found", fault.args
    else:
        raise AssertionError("it was not refused")
    try:
        server.contact.create(name="x", country="Japan")
    except jsonrpclib.ProtocolError as fault:
        assert fault.args[0][0] == -32602, fault.args
    else:
        raise AssertionError("it was not refused")


def notification(server):
    """Carried out; but this client takes 200 alone for success: at 204 it raises, and its connection is of no more use."""
    made = str(uuid.uuid4())
    try:
        server._notify.contact.create(id=made, name="pelix", country="JP")
    except jsonrpclib.jsonrpc.TransportError as fault:
        assert fault.errcode == 204, fault.args
    assert connect().contact.get(id=made)["id"] == made


where = "HTTP on a Unix socket" if HTTP.startswith("/") else "HTTP"
status = 0
for attempt, run in {"a call": one_call, "a write, and what it wrote": write_and_read, "a batch": batch,
                     "an error with its data": error, "a notification, answered with 204": notification}.items():
    try:
        run(connect())
        print(f"ok     jsonrpclib-pelix, {where}: {attempt}")
    except Exception as fault:
        print(f"FAILED jsonrpclib-pelix, {where}: {attempt}\n       {type(fault).__name__}: {fault}")
        status = 1
sys.exit(status)
