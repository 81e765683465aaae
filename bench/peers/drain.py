"""A drain as people write it: O365 reads the mailbox, jira makes the issues, one mail after the other or in four threads.

Keeps no record and survives nothing, as such scripts do. Prints one JSON line with the number of issues made.
"""

import argparse
import json
import resource
import time
from concurrent.futures import ThreadPoolExecutor

from jira import JIRA
from O365 import Account
from O365.utils.token import MemoryTokenBackend
from O365.connection import MSGraphProtocol


class SimulatedGraph(MSGraphProtocol):
    """The same protocol at another address."""

    def __init__(self, graph, **kwargs):
        self._protocol_url = f"{graph}/"
        super().__init__(**kwargs)


def main():
    parser = argparse.ArgumentParser()
    for name in ("login", "tenant", "client-id", "client-secret", "graph", "mailbox", "jira", "jira-user", "jira-token",
                 "project", "issue-type", "count", "threads"):
        parser.add_argument(f"--{name}", required=True)
    args = parser.parse_args()

    import requests
    from requests.adapters import HTTPAdapter
    from urllib3.util.retry import Retry

    token = requests.post(
        f"{args.login}/{args.tenant}/oauth2/v2.0/token",
        data={"grant_type": "client_credentials", "client_id": args.client_id, "client_secret": args.client_secret,
              "scope": "https://graph.microsoft.com/.default"},
        timeout=30,
    ).json()["access_token"]

    protocol = SimulatedGraph(args.graph, default_resource=f"users/{args.mailbox}")
    account = Account((args.client_id, args.client_secret), protocol=protocol, token_backend=MemoryTokenBackend(),
                      auth_flow_type="credentials", tenant_id=args.tenant)
    session = requests.Session()
    session.headers["Authorization"] = f"Bearer {token}"
    # What the library does by itself: three more tries where the service is busy.
    busy = Retry(total=3, backoff_factor=0.5, status_forcelist=(429, 500, 502, 503, 504), allowed_methods=None)
    session.mount("http://", HTTPAdapter(max_retries=busy))
    account.con.session = session
    account.con.oauth_request = lambda url, method, **kw: plain(session, url, method, **kw)
    account.con.naive_session = session

    site = JIRA(server=args.jira, basic_auth=(args.jira_user, args.jira_token), options={"rest_api_version": "3"},
                get_server_info=False)

    def handle(message):
        text = message.get_body_text() or message.body or message.subject
        site.create_issue(fields={
            "project": {"key": args.project},
            "issuetype": {"id": args.issue_type},
            "summary": (message.subject or "(no subject)")[:255],
            "description": {"version": 1, "type": "doc",
                            "content": [{"type": "paragraph", "content": [{"type": "text", "text": text[:30000]}]}]},
        })
        message.mark_as_read()

    count = int(args.count)
    begun = time.monotonic()
    messages = account.mailbox().inbox_folder().get_messages(limit=count, batch=50)
    made = 0
    if args.threads == "1":
        for message in messages:
            handle(message)
            made += 1
    else:
        with ThreadPoolExecutor(int(args.threads)) as pool:
            for _ in pool.map(handle, messages):
                made += 1
    took = time.monotonic() - begun
    usage = resource.getrusage(resource.RUSAGE_SELF)
    print(json.dumps({"made": made, "seconds": took, "cpu": usage.ru_utime + usage.ru_stime}))


def plain(session, url, method, **kwargs):
    """A request as the library makes it, without its token refreshing; what it calls data is JSON."""
    body = kwargs.pop("data", None)
    response = session.request(method, url, timeout=30, json=body if body is not None else kwargs.get("json"),
                               params=kwargs.get("params"), headers=kwargs.get("headers"))
    response.raise_for_status()
    return response


if __name__ == "__main__":
    main()
