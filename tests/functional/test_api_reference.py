"""The OpenAPI documents and the reference made from them: examples of every operation, which are what the bank says."""

import json
import subprocess
import sys

import pytest

from bank import ROOT

REFERENCE = ROOT / "tools" / "api_reference"


def operations(document):
    for path, item in document["paths"].items():
        for method, operation in item.items():
            if method != "parameters":
                yield f"{method.upper()} {path}", operation


def resolved(document, value):
    while "$ref" in value:
        found = document
        for name in value["$ref"].removeprefix("#/").split("/"):
            found = found[name]
        value = found
    return value


def examples(document, holder):
    for described in resolved(document, holder).get("content", {}).values():
        yield from [described["example"]] if "example" in described else []
        yield from (example["value"] for example in described.get("examples", {}).values())


def form_of(value):
    """The names of members, and the types behind them; of a list, of its first item."""
    if isinstance(value, dict):
        return {name: form_of(item) for name, item in value.items()}
    if isinstance(value, list):
        return [form_of(item) for item in value[:1]]
    return type(value).__name__


@pytest.mark.spec("gateway/79")
def test_the_document_served_has_examples(bank, partner):
    served = partner.call("GET", "/v1/openapi.json", context=bank.tls_context())
    assert served.status == 200 and served.body == (ROOT / "api" / "giro-v1.openapi.json").read_bytes()
    asked = 0
    for name, operation in operations(served.json):
        answers = operation["responses"]
        holders = [operation["requestBody"]] if "requestBody" in operation else []
        holders += [answers[status] for status in answers if status.startswith("2")]
        assert all(list(examples(served.json, holder)) for holder in holders), name
        others = [answers[status] for status in answers if not status.startswith("2")]
        assert any(list(examples(served.json, holder)) for holder in others), name
        asked += 1
    assert asked >= 8


@pytest.mark.spec("gateway/79")
def test_examples_are_what_the_bank_says(partner):
    """Of those that one call can show again."""
    document = json.loads((ROOT / "api" / "giro-v1.openapi.json").read_text())
    paths, mine = document["paths"], partner.open_account("5.00")["account_id"]
    for path, sent in (
        ("/v1/accounts/{account_id}", f"/v1/accounts/{mine}"),
        ("/v1/accounts/{account_id}/balances", f"/v1/accounts/{mine}/balances"),
        ("/v1/accounts/{account_id}/transactions", f"/v1/accounts/{mine}/transactions"),
    ):
        answer = partner.get(sent, "accounts")
        (example,) = examples(document, paths[path]["get"]["responses"]["200"])
        assert answer.status == 200 and form_of(answer.json) == form_of(example), (path, answer)
    order = json.loads(json.dumps(next(examples(document, paths["/v1/payments"]["post"]["requestBody"]))))
    order["debtor_account_id"] = partner.data["account_ids"][0]
    order["creditor"]["iban"] = partner.get(f"/v1/accounts/{mine}", "accounts").json["iban"]
    order["amount"]["value"] = "1.00"
    paid = partner.post("/v1/payments", order, "payments")
    wanted = next(examples(document, paths["/v1/payments"]["post"]["responses"]["201"]))
    assert paid.status == 201 and form_of(paid.json) == form_of(wanted), paid
    order["amount"]["value"] = "0.00"
    refused = partner.post("/v1/payments", order, "payments")
    (wanted,) = examples(document, paths["/v1/payments"]["post"]["responses"]["400"])
    assert refused.status == 400 and form_of(refused.json) == form_of(wanted), refused


@pytest.mark.spec("gateway/79")
def test_the_reference_is_current(tmp_path):
    done = subprocess.run([sys.executable, REFERENCE, "check"], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stdout
    page = (ROOT / "docs" / "api.md").read_text()
    for name in ("giro-v1", "open-banking-v4.0", "open-banking-v3.1"):
        document = json.loads((ROOT / "api" / f"{name}.openapi.json").read_text())
        for title, _ in operations(document):
            assert f"### {title}\n" in page, title
    old = tmp_path / "tools" / "api_reference"
    for folder in ("tools", "api", "docs"):
        (tmp_path / folder).mkdir()
    for path in (ROOT / "api").glob("*.json"):
        (tmp_path / "api" / path.name).write_bytes(path.read_bytes())
    old.write_bytes(REFERENCE.read_bytes())
    (tmp_path / "docs" / "api.md").write_text(page.replace("Pays once", "Pays twice"))
    refused = subprocess.run([sys.executable, old, "check"], capture_output=True, text=True, timeout=60, check=False)
    assert refused.returncode == 1 and "Pays twice" in refused.stdout, refused
