"""A function for the tests: does what its event, or at its start the variable MODE, says."""

import http.client
import json
import os
import signal
import subprocess
import sys
import time

API = http.client.HTTPConnection(os.environ["AWS_LAMBDA_RUNTIME_API"])
RUNTIME = "/2018-06-01/runtime"


def call(method, path, body=None, headers={}):
    API.request(method, path, body, headers)
    answer = API.getresponse()
    return answer, answer.read()


def post(path, value):
    answer, body = call("POST", RUNTIME + path, json.dumps(value))
    return {"status": answer.status, "body": body.decode()}


def grandchild():
    child = subprocess.Popen(["sleep", "600"])
    with open(os.environ["GRANDCHILD_FILE"], "w") as file:
        file.write(str(child.pid))


def handle(event, request_id, headers):
    match event.get("do"):
        case "echo":
            return event
        case "headers":
            return {"pid": os.getpid(), "headers": dict(headers), "now_ms": time.time() * 1000}
        case "environment":
            return {"environment": dict(os.environ), "folder": os.getcwd(), "files": sorted(os.listdir("/proc/self/fd"))}
        case "exit":
            os._exit(event["status"])
        case "kill":
            os.kill(os.getpid(), signal.SIGKILL)
        case "sleep":
            print("sleeping", flush=True)
            time.sleep(event["seconds"])
            return os.getpid()
        case "grandchild":
            grandchild()
            time.sleep(event["seconds"])
        case "print":
            print(event["text"], flush=True)
            print("to stderr", file=sys.stderr, flush=True)
        case "flood":
            line = "x" * 99 + "\n"
            for _ in range(event["lines"]):
                sys.stdout.write(line)
            sys.stdout.flush()
        case "big":
            return "x" * event["size"]
        case "wrong id":
            return post("/invocation/another-id/response", "not mine")
        case "path":
            answer, body = call(event["method"], event["path"], "{}")
            return {"status": answer.status, "body": body.decode()}
    return None


def handle_chunked(request_id):
    API.putrequest("POST", f"{RUNTIME}/invocation/{request_id}/response")
    API.putheader("Transfer-Encoding", "chunked")
    API.endheaders()
    for part in (b'"in ', b'parts"'):
        API.send(b"%x\r\n%s\r\n" % (len(part), part))
    API.send(b"0\r\n\r\n")
    API.getresponse().read()


mode = os.environ.get("MODE")
if mode == "init error":
    print("cannot connect", flush=True)
    post("/init/error", {"errorType": "App.NoConfig", "errorMessage": "no table"})
    sys.exit(1)
if mode == "init exit":
    sys.exit(3)
if mode == "init hang":
    time.sleep(600)
if mode == "ignores SIGTERM":
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
if mode == "init once":  # fails at its first start only
    if not os.path.exists(os.environ["FLAG"]):
        open(os.environ["FLAG"], "w").close()
        sys.exit(1)

print("started", flush=True)
while True:
    answer, body = call("GET", RUNTIME + "/invocation/next")
    request_id = answer.headers["Lambda-Runtime-Aws-Request-Id"]
    event = json.loads(body)
    if os.environ.get("PRINT_EVENTS"):
        print(body.decode(), flush=True)
    if event.get("do") == "fail":
        post(f"/invocation/{request_id}/error", {"errorType": "App.Refused", "errorMessage": "no"})
    elif event.get("do") == "chunked":
        handle_chunked(request_id)
    elif event.get("do") == "exit after answer":
        post(f"/invocation/{request_id}/response", "done")
        os._exit(0)
    else:
        post(f"/invocation/{request_id}/response", handle(event, request_id, answer.headers))
