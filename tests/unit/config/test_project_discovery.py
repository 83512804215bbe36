"""Which dbt project a command works on, and which folders belong to it."""

from pathlib import Path

import pytest

from orchestrator.config.loader import load_settings
from orchestrator.errors import ConfigurationError, ProjectError


def draw(root: Path, *files: str) -> Path:
    """Make empty files (or folders, with a slash at the end) below a folder."""
    for name in files:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if name.endswith("/"):
            path.mkdir(exist_ok=True)
        else:
            path.write_text("")
    return root


REPOSITORY = (".git/", "dbt_project/dbt_project.yml", "dbt_project/models/", "ingestion/a.py", "expectations/")


@pytest.mark.parametrize("place", [".", "dbt_project", "dbt_project/models", "ingestion"])
def test_any_folder_of_a_repository_gives_the_same_settings(tmp_path: Path, place: str) -> None:
    """The root, the dbt project and every folder below mean the same project."""
    draw(tmp_path, *REPOSITORY)
    settings = load_settings(cwd=tmp_path / place, environ={})
    assert settings.project_root == tmp_path
    assert settings.dbt_project_dir == tmp_path / "dbt_project"
    assert settings.ingestion_folder == tmp_path / "ingestion"
    assert settings.expectations_folder == tmp_path / "expectations"


@pytest.mark.parametrize("folder", [".", "dbt_project"])
def test_project_dir_takes_the_root_or_the_dbt_project(tmp_path: Path, folder: str) -> None:
    """`--project-dir` is relative to the working directory and gives what standing there gives."""
    draw(tmp_path, *REPOSITORY)
    assert load_settings(Path(folder), cwd=tmp_path, environ={}) == load_settings(cwd=tmp_path, environ={})


def test_the_variable_of_dbt_names_the_folder_too(tmp_path: Path) -> None:
    """DBT_PROJECT_DIR stands in for --project-dir, which stands over it."""
    draw(tmp_path, "a/dbt_project.yml", "b/dbt_project.yml", "c/")
    environ = {"DBT_PROJECT_DIR": str(tmp_path / "a")}
    assert load_settings(cwd=tmp_path / "c", environ=environ).dbt_project_dir == tmp_path / "a"
    named = load_settings(tmp_path / "b", cwd=tmp_path / "c", environ=environ)
    assert named.dbt_project_dir == tmp_path / "b"


def test_a_dbt_project_alone_is_enough(tmp_path: Path) -> None:
    """Without elt.yml, ingestion or suites the project is its own root."""
    draw(tmp_path, "shop/dbt_project.yml")
    settings = load_settings(tmp_path / "shop", environ={})
    assert settings.project_root == settings.dbt_project_dir == tmp_path / "shop"
    assert settings.elt_yml is settings.ingestion_folder is settings.expectations_folder is None


def test_folders_inside_the_dbt_project_come_before_those_above(tmp_path: Path) -> None:
    """A folder beside dbt_project.yml is nearer than one of the same name above."""
    draw(tmp_path, "shop/dbt_project.yml", "shop/ingestion/", "ingestion/")
    settings = load_settings(tmp_path / "shop", environ={})
    assert settings.ingestion_folder == tmp_path / "shop" / "ingestion"
    assert settings.project_root == tmp_path / "shop"


def test_elt_yml_names_one_of_several_projects(tmp_path: Path) -> None:
    """`dbt_project:` decides for its own folder, also from below it."""
    draw(tmp_path, "a/dbt_project.yml", "b/dbt_project.yml", "notes/")
    (tmp_path / "elt.yml").write_text("dbt_project: b\n")
    assert load_settings(cwd=tmp_path, environ={}).dbt_project_dir == tmp_path / "b"
    assert load_settings(cwd=tmp_path / "notes", environ={}).dbt_project_dir == tmp_path / "b"


def test_an_elt_yml_of_another_project_is_ignored(tmp_path: Path) -> None:
    """Standing in a project that the file above does not speak of, the file says nothing."""
    draw(tmp_path, "a/dbt_project.yml", "b/dbt_project.yml")
    (tmp_path / "elt.yml").write_text("dbt_project: b\non_no_data: skip\n")
    assert load_settings(cwd=tmp_path / "a", environ={}).elt_yml is None
    assert load_settings(cwd=tmp_path / "b", environ={}).elt_yml == tmp_path / "elt.yml"


def test_several_projects_are_listed(tmp_path: Path) -> None:
    """Which of two is meant is asked, not guessed."""
    draw(tmp_path, "a/dbt_project.yml", "b/dbt_project.yml")
    with pytest.raises(ProjectError, match="several dbt projects: a, b"):
        load_settings(tmp_path, environ={})


def test_a_neighbour_of_the_working_directory_is_not_taken(tmp_path: Path) -> None:
    """Outside a repository, a project in a folder beside is somebody else's."""
    draw(tmp_path, "shop/dbt_project.yml", "letters/")
    with pytest.raises(ProjectError, match="No dbt project found"):
        load_settings(cwd=tmp_path / "letters", environ={})


@pytest.mark.parametrize(
    ("folder", "message"), [("gone", "does not exist"), (".", r"No dbt project found.* dbt_project.yml")]
)
def test_a_folder_without_a_project_is_an_error_with_a_hint(tmp_path: Path, folder: str, message: str) -> None:
    """`--project-dir` is never searched upwards."""
    with pytest.raises(ProjectError, match=message) as caught:
        load_settings(tmp_path / folder, environ={})
    assert "--project-dir" in caught.value.hint


def test_two_files_for_one_project_are_an_error(tmp_path: Path) -> None:
    """elt.yml stands beside the dbt project or above it, never in both."""
    draw(tmp_path, "elt.yml", "shop/elt.yml", "shop/dbt_project.yml")
    with pytest.raises(ConfigurationError, match="Two files configure this project"):
        load_settings(tmp_path / "shop", environ={})


def test_a_configured_project_that_does_not_exist_is_refused(tmp_path: Path) -> None:
    """`dbt_project:` has to lead to a dbt_project.yml."""
    (tmp_path / "elt.yml").write_text("\ndbt_project: gone\n")
    with pytest.raises(ConfigurationError, match=r"elt.yml:2: 'dbt_project': there is no dbt_project.yml in"):
        load_settings(tmp_path, environ={})


def test_a_broken_elt_yml_is_reported_before_a_missing_project(tmp_path: Path) -> None:
    """The file may have meant to name the project, so its mistake is the one to tell."""
    (tmp_path / "elt.yml").write_text("dbt_projct: shop\n")
    with pytest.raises(ConfigurationError, match="Did you mean 'dbt_project'"):
        load_settings(tmp_path, environ={})
