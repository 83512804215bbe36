"""The target is read from profiles.yml as dbt reads it, without dbt."""

import pytest

from orchestrator.adapters.dbt2.rendered_profile import read_target
from orchestrator.errors import ProfileError, ProjectError

PROFILES = """
config: {send_anonymous_usage_stats: false}
shop:
  target: "{{ env_var('SHOP_TARGET', 'dev') }}"
  outputs:
    dev: {type: duckdb, path: data/shop.duckdb, threads: "{{ var('threads', 2) | as_number }}"}
    prod:
      type: snowflake
      account: acme-1
      database: ANALYTICS
      password: "{{ env_var('SHOP_PASSWORD') }}"
      threads: 8
    lab: {type: postgres, host: db, port: 5432, dbname: lab, user: me}
"""


@pytest.fixture
def project(tmp_path):
    (tmp_path / "dbt_project.yml").write_text("name: shop\nprofile: shop\n")
    (tmp_path / "profiles.yml").write_text(PROFILES)
    return tmp_path


def read(project, options=(), run_vars=(), **environ):
    return read_target(project, dict(options), dict(run_vars), environ)


def test_the_default_target_is_rendered(project):
    """A relative path means what it means to dbt, which runs in the folder of the project."""
    target, connection = read(project)
    assert (target.name, target.adapter, target.profile) == ("dev", "duckdb", "shop")
    assert target.path == str(project / "data" / "shop.duckdb")
    assert (target.database, target.threads, target.siblings) == ("shop", 2, ("dev", "prod", "lab"))
    assert connection["path"] == "data/shop.duckdb"


def test_only_dbt_opens_the_database(project):
    """Neither loads nor validations nor elt itself can work in it beside a process of dbt."""
    assert not read(project)[0].is_shared
    assert not read(project, {"target": "lab"})[0].is_shared


@pytest.mark.parametrize("how", ["option", "variable of dbt", "variable of the profile"])
def test_a_target_is_chosen_as_dbt_chooses_it(project, how):
    """By the option, by DBT_TARGET, or by the profile itself."""
    environ = {"SHOP_PASSWORD": "hunter2"}
    environ |= {"variable of dbt": {"DBT_TARGET": "prod"}, "variable of the profile": {"SHOP_TARGET": "prod"}}.get(
        how, {}
    )
    target, connection = read(project, {"target": "prod"} if how == "option" else {}, **environ)
    assert (target.name, target.database, target.server, target.threads) == ("prod", "ANALYTICS", "acme-1", 8)
    assert connection["password"] == "hunter2"
    assert "hunter2" not in f"{target}{target.identity}{target.description}"


def test_the_threads_of_the_option_win(project):
    """As in dbt."""
    assert read(project, {"threads": "6"}, {"threads": 4})[0].threads == 6
    assert read(project, {}, {"threads": 4})[0].threads == 4


def test_an_unset_variable_is_named(project):
    """With the way to give it a default."""
    with pytest.raises(ProfileError, match="SHOP_PASSWORD, which is not set"):
        read(project, {"target": "prod"})


def test_an_unknown_target_gets_a_suggestion(project):
    """And the targets that exist."""
    with pytest.raises(ProfileError, match="has no target pord; it has dev, prod, lab") as caught:
        read(project, {"target": "pord"})
    assert "Did you mean 'prod'?" in caught.value.hint


def test_an_unknown_profile_gets_a_suggestion(project):
    """The section `config` is no profile."""
    with pytest.raises(ProfileError, match="has no profile shopp; it has shop") as caught:
        read(project, {"profile": "shopp"})
    assert "Did you mean 'shop'?" in caught.value.hint


def test_a_value_that_cannot_be_rendered_is_not_shown(project):
    """It may be a secret."""
    (project / "profiles.yml").write_text(
        "shop: {outputs: {default: {type: duckdb, token: \"{{ 'hunter2' | no_such }}\"}}}"
    )
    with pytest.raises(ProfileError, match="cannot be rendered") as caught:
        read(project)
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize(("file", "kind"), [("profiles.yml", ProfileError), ("dbt_project.yml", ProjectError)])
def test_a_broken_file_is_named(project, file, kind):
    """YAML that cannot be read."""
    (project / file).write_text("a: [")
    with pytest.raises(kind, match=str(project / file)):
        read(project)


def test_a_missing_profiles_yml_is_reported(project, monkeypatch, tmp_path):
    """Neither here nor in the project nor at home."""
    (project / "profiles.yml").unlink()
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ProfileError, match="There is no profiles"):
        read(project)
