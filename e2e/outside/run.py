"""Clients that others wrote, against the simulator: MSAL signs in and refreshes, `jira` creates, comments, attaches,
searches, exchangelib lists, reads, changes, moves, sends and synchronizes over EWS.

Usage: run.py POSTROOM_BINARY
"""

import html.parser
import io
import json
import os
import subprocess
import sys
import tempfile
import urllib.parse
from pathlib import Path

import exchangelib
import jira
import msal
import requests


class Forms(html.parser.HTMLParser):
    """The forms of a page: action, fields, buttons."""

    def __init__(self, text):
        super().__init__()
        self.forms = []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        attrs = dict(attrs)
        if tag == "form":
            self.forms.append({"action": attrs.get("action", ""), "method": attrs.get("method", "get").lower(), "fields": {}, "buttons": []})
        elif self.forms and tag == "input":
            if attrs.get("type") in ("checkbox", "radio") and "checked" not in attrs:
                return
            if attrs.get("name"):
                self.forms[-1]["fields"][attrs["name"]] = attrs.get("value") or ""
        elif self.forms and tag == "button" and attrs.get("name"):
            self.forms[-1]["buttons"].append((attrs["name"], attrs.get("value", "")))


def certificate(folder):
    """A certificate for 127.0.0.1 that is its own authority."""
    key, cert = folder / "key.pem", folder / "cert.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", key, "-out", cert, "-days", "2", "-subj", "/CN=127.0.0.1",
         "-addext", "subjectAltName=IP:127.0.0.1,DNS:localhost", "-addext", "basicConstraints=critical,CA:TRUE"],
        check=True, capture_output=True,
    )
    return key, cert


def start(binary, *args):
    process = subprocess.Popen([binary, "sim", *args], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    return process, json.loads(process.stdout.readline())


def sign_in(session, url, user, redirect):
    """Walks through the simulator's pages as a person would; returns the query of the redirect."""
    response = session.get(url, allow_redirects=False)
    for _ in range(12):
        if response.is_redirect:
            target = urllib.parse.urljoin(response.url, response.headers["location"])
            if target.startswith(redirect):
                return dict(urllib.parse.parse_qsl(urllib.parse.urlparse(target).query))
            response = session.get(target, allow_redirects=False)
            continue
        forms = Forms(response.text).forms
        assert forms, response.text[:600]
        form = choose(forms, user)
        response = session.post(urllib.parse.urljoin(response.url, form["action"]), data=form["fields"], allow_redirects=False)
    raise AssertionError("the sign-in has no end")


def choose(forms, user):
    for form in forms:
        fields = form["fields"]
        for name, value in form["buttons"]:
            if value.lower() == user["upn"].lower():
                fields[name] = value
                return form
        if any(value.lower() == user["upn"].lower() for value in fields.values()) and not any("pass" in name for name in fields):
            return form
    for form in forms:
        fields = form["fields"]
        for name in fields:
            if "pass" in name:
                fields[name] = user["password"]
                return form
    for form in forms:
        for name, value in form["buttons"]:
            if value in ("accept", "yes", "allow", "continue"):
                form["fields"][name] = value
                return form
    return forms[0]


def msal_signs_in_and_refreshes(binary, folder):
    key, cert = certificate(folder)
    process, ready = start(binary, "--tls-cert", str(cert), "--tls-key", str(key))
    try:
        redirect = "http://localhost:8400/callback"
        app = msal.ConfidentialClientApplication(
            ready["client_id"], client_credential=ready["client_secret"], authority=f"{ready['entra']}/{ready['tenant_id']}",
            instance_discovery=False, verify=str(cert),
        )
        flow = app.initiate_auth_code_flow(["Mail.ReadWrite"], redirect_uri=redirect)
        assert "code_challenge=" in flow["auth_uri"] and "S256" in flow["auth_uri"]
        session = requests.Session()
        session.verify = str(cert)
        user = next(user for user in ready["users"] if user["upn"].startswith("support@"))
        answer = sign_in(session, flow["auth_uri"], user, redirect)
        result = app.acquire_token_by_auth_code_flow(flow, answer)
        assert "access_token" in result, result
        assert result["id_token_claims"]["preferred_username"].lower() == user["upn"].lower()
        me = session.get(f"{ready['graph']}/v1.0/me", headers={"Authorization": f"Bearer {result['access_token']}"})
        assert me.status_code == 200, me.text
        again = app.acquire_token_by_refresh_token(result["refresh_token"], ["Mail.ReadWrite"])
        assert "access_token" in again, again
        account = app.get_accounts()[0]
        silent = app.acquire_token_silent(["Mail.ReadWrite"], account, force_refresh=True)
        assert silent and "access_token" in silent, silent
        try:
            replay = app.acquire_token_by_auth_code_flow(dict(flow), answer)
            assert "error" in replay, "a code is good for one use"
        except ValueError:
            pass
    finally:
        process.terminate()
        process.wait(10)


def lever(ready, path, body):
    answer = requests.post(ready["control"] + path, json=body, timeout=10)
    assert answer.ok, f"{path}: {answer.status_code} {answer.text}"
    return answer.json()


def msal_signs_in_with_a_certificate(binary, folder):
    key, cert = certificate(folder)
    process, ready = start(binary, "--tls-cert", str(cert), "--tls-key", str(key))
    try:
        registered = lever(ready, "/registrations/certificates", {"pem": cert.read_text()})
        authority = f"{ready['entra']}/{ready['tenant_id']}"
        newer = {"private_key": key.read_text(), "public_certificate": cert.read_text()}
        older = {"private_key": key.read_text(), "thumbprint": registered["thumbprint"]}
        for credential in (newer, older):
            app = msal.ConfidentialClientApplication(
                ready["client_id"], client_credential=credential, authority=authority, instance_discovery=False, verify=str(cert),
            )
            for scope in ("https://graph.microsoft.com/.default", "https://outlook.office365.com/.default"):
                result = app.acquire_token_for_client([scope])
                assert "access_token" in result, result
        mail = requests.get(
            f"{ready['graph']}/v1.0/users/support@contoso.test/messages", verify=str(cert), timeout=10,
            headers={"Authorization": "Bearer " + app.acquire_token_for_client(["https://graph.microsoft.com/.default"])["access_token"]},
        )
        assert mail.status_code == 200, mail.text
        lever(ready, "/registrations/certificates", {"remove": registered["key_id"]})
        app = msal.ConfidentialClientApplication(
            ready["client_id"], client_credential=newer, authority=authority, instance_discovery=False, verify=str(cert),
        )
        refused = app.acquire_token_for_client(["https://graph.microsoft.com/.default"])
        assert refused.get("error_codes") == [700027], refused
    finally:
        process.terminate()
        process.wait(10)


def msal_signs_in_with_a_device_code(binary, folder):
    key, cert = certificate(folder)
    process, ready = start(binary, "--tls-cert", str(cert), "--tls-key", str(key))
    try:
        lever(ready, "/registrations", {"public_flows": True})
        app = msal.PublicClientApplication(
            ready["client_id"], authority=f"{ready['entra']}/{ready['tenant_id']}", instance_discovery=False, verify=str(cert),
        )
        flow = app.initiate_device_flow(["Mail.ReadWrite"])
        assert flow["user_code"] in flow["message"], flow
        session = requests.Session()
        session.verify = str(cert)
        user = next(user for user in ready["users"] if user["upn"].startswith("support@"))
        response = session.post(flow["verification_uri"], data={"otc": flow["user_code"]}, timeout=10)
        for _ in range(6):
            if "You have signed in" in response.text:
                break
            form = choose(Forms(response.text).forms, user)
            response = session.post(urllib.parse.urljoin(response.url, form["action"]), data=form["fields"], timeout=10)
        assert "You have signed in" in response.text, response.text
        result = app.acquire_token_by_device_flow(flow)
        assert "access_token" in result, result
        assert result["id_token_claims"]["preferred_username"] == user["upn"], result
        silent = app.acquire_token_silent(["Mail.ReadWrite"], app.get_accounts()[0], force_refresh=True)
        assert silent and "access_token" in silent, silent
    finally:
        process.terminate()
        process.wait(10)


def jira_creates_comments_attaches_and_searches(binary, _folder):
    process, ready = start(binary)
    try:
        client = jira.JIRA(server=ready["jira"], basic_auth=(ready["jira_user"], ready["jira_token"]))
        assert client.myself()
        project = next(project for project in client.projects() if project.key == "SUP")
        issue = client.create_issue(project=project.key, summary="From an outside client", description="plain text", issuetype={"name": "Task"})
        assert issue.key.startswith("SUP-")
        comment = client.add_comment(issue, "a comment")
        assert comment.id
        attachment = client.add_attachment(issue, io.BytesIO(b"some bytes"), filename="näme.txt")
        again = client.issue(issue.key)
        assert again.fields.summary == "From an outside client"
        assert [a.id for a in again.fields.attachment] == [attachment.id]
        assert client.comments(issue)[0].id == comment.id
        found = client.search_issues("project = SUP AND summary ~ outside ORDER BY created DESC")
        assert issue.key in [f.key for f in found], found
        assert client.transitions(issue)
        try:
            client.create_issue(project="NOPE", summary="x", issuetype={"name": "Task"})
            raise AssertionError("a project that does not exist must be refused")
        except jira.JIRAError as error:
            # The client looks the project up before it creates.
            assert error.status_code in (400, 404) and "project" in error.text.lower(), error.text
        try:
            client.search_issues("order by created")
            raise AssertionError("an unbounded query must be refused")
        except jira.JIRAError as error:
            assert "Unbounded" in error.text, error.text
    finally:
        process.terminate()
        process.wait(10)


def exchange_account(ready, address, result):
    """An account of exchangelib that uses a token of MSAL."""
    credentials = exchangelib.OAuth2AuthorizationCodeCredentials(
        client_id=ready["client_id"],
        access_token={"access_token": result["access_token"], "token_type": "Bearer", "expires_in": 3000},
    )
    config = exchangelib.Configuration(
        service_endpoint=f"{ready['ews']}/EWS/Exchange.asmx",
        credentials=credentials,
        auth_type=exchangelib.OAUTH2,
        version=exchangelib.Version(exchangelib.version.EXCHANGE_2016),
    )
    return exchangelib.Account(primary_smtp_address=address, config=config, autodiscover=False, access_type=exchangelib.DELEGATE)


def exchangelib_lists_reads_sends_moves_and_syncs(binary, folder):
    key, cert = certificate(folder)
    process, ready = start(binary, "--tls-cert", str(cert), "--tls-key", str(key))
    # exchangelib has no other place for a certificate to trust.
    os.environ["REQUESTS_CA_BUNDLE"] = str(cert)
    try:
        address = "support@contoso.test"
        redirect = "http://localhost:8400/callback"
        scopes = ["https://outlook.office365.com/EWS.AccessAsUser.All"]
        app = msal.ConfidentialClientApplication(
            ready["client_id"], client_credential=ready["client_secret"], authority=f"{ready['entra']}/{ready['tenant_id']}",
            instance_discovery=False, verify=str(cert),
        )
        flow = app.initiate_auth_code_flow(scopes, redirect_uri=redirect)
        session = requests.Session()
        session.verify = str(cert)
        user = next(user for user in ready["users"] if user["upn"] == address)
        result = app.acquire_token_by_auth_code_flow(flow, sign_in(session, flow["auth_uri"], user, redirect))
        assert "access_token" in result, result
        account = exchange_account(ready, address, result)

        inbox = f"{ready['control']}/mailboxes/{address}/messages"
        for number in range(5):
            mail = (
                f"From: Ada <ada@customer.example>\r\nTo: {address}\r\nSubject: Gr\u00fc\u00dfe {number}\r\nMessage-ID: <{number}@customer.example>\r\n"
                "MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n"
                "Hello & welcome\r\n--b\r\nContent-Type: application/pdf; name=a.pdf\r\nContent-Disposition: attachment; filename=a.pdf\r\n\r\n"
                "bytes\r\n--b--\r\n"
            )
            requests.post(inbox, data=mail.encode(), timeout=10).raise_for_status()

        assert account.root.id and account.inbox.total_count == 5
        subjects = [item.subject for item in account.inbox.all().order_by("datetime_received")]
        assert sorted(subjects) == [f"Gr\u00fc\u00dfe {number}" for number in range(5)], subjects
        item = account.inbox.get(subject="Gr\u00fc\u00dfe 2")
        assert item.message_id == "<2@customer.example>" and item.sender.email_address == "ada@customer.example"
        assert item.text_body.strip() == "Hello & welcome", item.text_body
        assert b"Hello & welcome" in item.mime_content
        assert item.attachments[0].name == "a.pdf" and item.attachments[0].content == b"bytes"
        assert any(header.name == "Message-ID" for header in item.headers)
        assert account.inbox.filter(is_read=False).count() == 5
        assert account.inbox.filter(subject__contains="Gr\u00fc").count() == 5
        assert account.inbox.filter(message_id="<3@customer.example>").count() == 1

        changes = list(account.inbox.sync_items())
        assert [kind for kind, _ in changes] == ["create"] * 5, changes
        state = account.inbox.item_sync_state
        item.is_read = True
        item.categories = ["Jira"]
        item.save(update_fields=["is_read", "categories"])
        assert account.inbox.filter(categories__contains=["Jira"]).count() == 1
        before = item.id
        item.move(account.trash)
        assert item.id != before and account.trash.all().count() == 1
        account.inbox.get(message_id="<4@customer.example>").delete()
        changes = list(account.inbox.sync_items(sync_state=state))
        assert [kind for kind, _ in changes].count("delete") == 2, changes

        to = [exchangelib.Mailbox(email_address="anna@contoso.test")]
        exchangelib.Message(account=account, subject="sent at once", body="hi", to_recipients=to).send()
        kept = exchangelib.Message(account=account, folder=account.sent, subject="sent and kept", body=exchangelib.HTMLBody("<p>hi</p>"), to_recipients=to)
        kept.attach(exchangelib.FileAttachment(name="note.txt", content=b"a note"))
        kept.send_and_save()
        draft = exchangelib.Message(account=account, folder=account.drafts, subject="a draft", body="hi", to_recipients=to).save()
        draft.attach(exchangelib.FileAttachment(name="late.txt", content=b"late"))
        draft.subject = "a draft, changed"
        draft.save(update_fields=["subject"])
        draft.send()
        assert sorted(item.subject for item in account.sent.all()) == ["a draft, changed", "sent and kept", "sent at once"]
        got = requests.get(f"{ready['control']}/mailboxes/anna@contoso.test/messages", timeout=10).json()
        assert sorted(mail["subject"] for mail in got) == ["a draft, changed", "sent and kept", "sent at once"], got
        assert sum(mail["has_attachments"] for mail in got) == 2

        folder_ = exchangelib.Folder(parent=account.inbox, name="Orders").save()
        assert (account.inbox / "Orders").id == folder_.id
        folder_.delete()
        assert list(account.protocol.resolve_names(["anna"]))[0].email_address == "anna@contoso.test"
    finally:
        os.environ.pop("REQUESTS_CA_BUNDLE", None)
        process.terminate()
        process.wait(10)


def main():
    binary = sys.argv[1]
    # requests lets these variables win over the certificate that a client was told to trust.
    for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):
        os.environ.pop(name, None)
    failed = 0
    for test in (
        msal_signs_in_and_refreshes,
        msal_signs_in_with_a_certificate,
        msal_signs_in_with_a_device_code,
        jira_creates_comments_attaches_and_searches,
        exchangelib_lists_reads_sends_moves_and_syncs,
    ):
        with tempfile.TemporaryDirectory() as folder:
            try:
                test(binary, Path(folder))
                print(f"ok {test.__name__}")
            except Exception as error:  # noqa: BLE001: every fault of a client is a finding
                failed += 1
                print(f"FAILED {test.__name__}: {type(error).__name__}: {error}")
                import traceback

                traceback.print_exc()
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
