"""Secrets are taken out of what is recorded."""

from orchestrator.wiring.masking import MASK, masked, masked_words, secrets_of

ENVIRON = {"DBT_ENV_SECRET_KEY": "abcd-1234", "PGPASSWORD": "hunter22", "HOME": "/home/ada", "API_TOKEN": "x"}


def test_values_of_secret_variables_are_secrets() -> None:
    """By their names; one too short to tell from other text is not."""
    assert secrets_of(ENVIRON) == ("abcd-1234", "hunter22")


def test_a_secret_is_masked_wherever_it_stands() -> None:
    """Inside of texts, lists and mappings; and whatever a secret's name stands before."""
    found = masked({"url": "pg://ada:hunter22@db", "list": ["abcd-1234", 3], "api_token": "short"}, secrets_of(ENVIRON))
    assert found == {"url": f"pg://ada:{MASK}@db", "list": [MASK, 3], "api_token": MASK}


def test_the_vars_of_a_command_line_are_replaced_by_the_masked_ones() -> None:
    """In both ways to write them."""
    for words in (("run", "--vars", "{api_token: zz}"), ("run", "--vars={api_token: zz}")):
        assert "zz" not in str(masked_words(words, (), "{}"))
    assert masked_words(("run", "--select", "hunter22"), secrets_of(ENVIRON), "{}") == ("run", "--select", MASK)
