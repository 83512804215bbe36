"""Secrets are hidden wherever they stand, and nothing else is."""

import json
from pathlib import Path

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from orchestrator.errors import UsageError
from orchestrator.masking import MASK, PLAIN, Masker, masked_errors
from orchestrator.wording import last_part, shortened

ENVIRON = {
    "DBT_ENV_SECRET_KEY": "abcd-1234",
    "PGPASSWORD": "hunter22",
    "HOME": "/home/ada",
    "API_TOKEN": "x",
    "PIN_SECRET": "s3c",
    "USE_TOKEN": "true",
    "WAREHOUSE_URL": "postgres://ada:Gr%C3%BCn!99@db/w?sslmode=require&token=qwertzui",
}


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("pg://ada:hunter22@db", f"pg://{MASK}@db"),
        ("key abcd-1234.", f"key {MASK}."),
        ("a password Grün!99, or Gr%C3%BCn!99", f"a password {MASK}, or {MASK}"),
        ("sslmode require, token qwertzui", f"sslmode require, token {MASK}"),
        ("s3c stands alone, not in s3cond", f"{MASK} stands alone, not in s3cond"),
        ("it is true, in /home/ada, x", "it is true, in /home/ada, x"),
        ("md:db?motherduck_token=eyJh", f"md:db?motherduck_token={MASK}"),
        ("GET https://u:p@h/v1?code=1&at=2 failed", f"GET https://{MASK}@h/v1?code={MASK}&at={MASK} failed"),
        ("where note = 'why: a?b'", "where note = 'why: a?b'"),
    ],
)
def test_a_secret_is_hidden_in_a_text(text: str, shown: str) -> None:
    """Values of variables with secret names, what URLs carry; a short value only where it stands alone."""
    assert Masker(ENVIRON).text(text) == shown


def test_values_are_hidden_by_name_and_wherever_they_recur() -> None:
    """In mappings and lists; what is learned later is hidden from then on."""
    masker = Masker(ENVIRON)
    assert masker.value({"api_token": "short", "list": ["abcd-1234", 3], "token": ""}) == {
        "api_token": MASK,
        "list": [MASK, 3],
        "token": "",
    }
    masker.learn_named({"outputs": {"dev": {"password": "later-on", "schema": "main", "port": 5432}}})
    assert masker.text("later-on in main at 5432") == f"{MASK} in main at 5432"


def test_every_string_in_a_secrets_file_is_a_secret(tmp_path: Path) -> None:
    """Whatever its key is called; a file that is no TOML has none."""
    file = tmp_path / "secrets.toml"
    file.write_text('[sources.shop]\nplace = "under the mat"\n')
    masker = Masker()
    masker.learn_file(file)
    assert masker.text("it is under the mat") == f"it is {MASK}"
    file.write_text("= =")
    masker.learn_file(file)
    masker.learn_file(tmp_path / "none.toml")


def test_the_secrets_of_a_document_in_a_variable_are_hidden() -> None:
    """dlt accepts credentials as JSON; what is not secret in them stays readable."""
    masker = Masker({"SOURCES__SHOP__CREDENTIALS": '{"user": "shopkeeper", "password": "open-sesame", "port": 5432}'})
    assert masker.text("shopkeeper says open-sesame at 5432") == "shopkeeper says ***** at 5432"


def test_a_reported_secret_is_hidden_as_a_whole() -> None:
    """Also a URL, all of which may be secret; of a mapping, what its names say."""
    masker = Masker()
    masker.learn_secret("https://hooks.example/T000/B111")
    masker.learn_secret({"password": "open-sesame", "database": "analytics"})
    shown = masker.text("https://hooks.example/T000/B111 open-sesame analytics")
    assert shown == "***** ***** analytics"


def test_the_vars_of_a_command_line_are_replaced_by_the_masked_ones() -> None:
    """In both ways to write them."""
    masker = Masker(ENVIRON)
    for words in (("run", "--vars", "{api_token: zz}"), ("run", "--vars={api_token: zz}")):
        assert "zz" not in str(masker.words(words, "{}"))
    assert masker.words(("run", "--select", "hunter22"), "{}") == ("run", "--select", MASK)


def test_a_document_stays_json() -> None:
    """Known secrets are hidden in its strings, and in nothing else."""
    masker = Masker({"A_SECRET": 'say "hello" 1234', "PIN_SECRET": "12345678"})
    document = json.dumps({"text": 'they say "hello" 1234', "number": 12345678, "12345678": None}).encode()
    assert json.loads(masker.json(document)) == {"text": f"they {MASK}", "number": 12345678, "12345678": None}
    assert masker.json(b'{"x": 1}') == b'{"x": 1}'


def test_errors_hide_secrets() -> None:
    """In the message and in the hint."""
    with pytest.raises(UsageError) as raised, masked_errors(Masker(ENVIRON)):
        raise UsageError("no hunter22", hint="not abcd-1234")
    assert (raised.value.message, raised.value.hint, str(raised.value)) == (
        f"no {MASK}",
        f"not {MASK}",
        f"no {MASK}\nnot {MASK}",
    )


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("the server said: token hunt…", f"the server said: token {MASK}…"),
        ("…ter22 is wrong", f"…{MASK} is wrong"),
        ("LINE 1: ...rd-1234 hunter...", f"LINE 1: ...rd-1234 {MASK}..."),
        ("LINE 1: ...cd-1234 hunter...", f"LINE 1: ...{MASK} {MASK}..."),
        ("waiting for the file…", "waiting for the file…"),
        ("postgresql://ada:unknown-pass…", f"postgresql://{MASK}…"),
        ("http://localhost:8080…", "http://localhost:8080…"),
        ("http://localhost:8080/a:b…", "http://localhost:8080/a:b…"),
    ],
)
def test_half_of_a_secret_is_hidden_where_a_text_was_cut(text: str, shown: str) -> None:
    """Whoever shortened it, elt or another tool, did not know the secret."""
    assert Masker(ENVIRON).text(text) == shown


@given(st.text(min_size=8, alphabet="abcXYZ019-_/+= ").filter(lambda one: one.strip() == one), st.integers(3, 200))
def test_no_shortened_text_has_a_part_of_a_secret(secret: str, longest: int) -> None:
    """Except for a few characters, which reveal nothing."""
    text = f"the server answered HTTP 500: {secret} is no valid token"
    ends = (secret[:4], secret[-4:])
    assume(not any(part in text.replace(secret, "|") for part in ends))
    masker = Masker({"A_TOKEN": secret})
    for cut in (shortened(text, longest), last_part(text, longest)):
        hidden = masker.text(cut).replace(MASK, "|")
        assert not any(part in hidden for part in ends)


SECRETS = st.text(min_size=8).filter(lambda one: one.strip() == one and one.lower() not in PLAIN)


@given(SECRETS, st.text(), st.text())
def test_no_long_secret_survives(secret: str, before: str, behind: str) -> None:
    """Wherever it stands, as it is or as JSON or repr write it."""
    masker = Masker({"A_TOKEN": secret})
    for written in (secret, json.dumps(secret)[1:-1], repr(secret)[1:-1]):
        hidden = masker.text(f"{before}\n{written}\n{behind}")
        assert MASK in hidden
        assert written not in hidden.replace(MASK, "") or written in f"{before}\n\n{behind}"
