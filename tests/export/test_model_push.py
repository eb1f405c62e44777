"""The exported pair on its way to a Hub, which is a stand-in on 127.0.0.1."""

import pytest
from hub_server import TOKEN, go_online, hub_running

from ligature.data.remote.hub import push_model
from ligature.errors import DataError


@pytest.fixture
def hub(monkeypatch):
    go_online(monkeypatch)
    for name in ("HF_TOKEN", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
    with hub_running() as running:
        yield running


def push(folder, hub, **options):
    return push_model(folder, "team/pair", endpoint=hub.root, **({"token": TOKEN} | options))


def refusal(*args, **options):
    with pytest.raises(DataError) as caught:
        push(*args, **options)
    assert "\n" not in str(caught.value)
    assert TOKEN not in str(caught.value)
    return str(caught.value)


def test_every_file_arrives_as_it_is(model, hub):
    assert push(model, hub) == f"{hub.root}/team/pair"
    sent = {path.relative_to(model).as_posix(): path.read_bytes() for path in model.rglob("*") if path.is_file()}
    assert hub.files == sent
    assert {"README.md", "ligature.json", "encoders/vision/model.safetensors"} <= set(sent)


def test_a_model_is_created_private_unless_it_is_to_be_public(model, hub):
    push(model, hub, message="version 2")
    push(model, hub, private=False)
    assert [created["visibility"] for created in hub.created] == ["private", "public"]
    assert all(created.get("type", "model") == "model" for created in hub.created)
    assert hub.commits[0] == "version 2"
    assert not any("/datasets/" in path for _, path, _ in hub.seen)


@pytest.mark.parametrize("name", ["own.py", "notes.md", ".gitignore", "encoders/vision/pytorch_model.bin"])
def test_a_file_of_another_kind_is_refused(model, hub, name):
    (model / name).write_text("*")
    assert f"{model / name}: neither README.md nor .safetensors" in refusal(model, hub)
    assert hub.seen == []


def test_a_link_is_refused(model, hub, tmp_path):
    (tmp_path / "secret.json").write_text("{}")
    (model / "more.json").symlink_to(tmp_path / "secret.json")
    assert "more.json: neither" in refusal(model, hub)
    (model / "more.json").unlink()
    (tmp_path / "folder").mkdir()
    (model / "more").symlink_to(tmp_path / "folder")
    assert "more: neither" in refusal(model, hub)


def test_card_weights_and_token_are_needed(model, hub, tmp_path):
    assert "no token; put one" in refusal(model, hub, token=None)
    for path in model.rglob("*.safetensors"):
        path.unlink()
    assert "holds no safetensors" in refusal(model, hub)
    (model / "README.md").unlink()
    assert "holds no README.md; export the model" in refusal(model, hub)
    assert "holds no README.md" in refusal(tmp_path / "none", hub)
    assert hub.seen == []


def test_a_refusal_of_the_hub_is_one_line(model, hub):
    hub.failures["/commit/"] = 413
    assert refusal(model, hub).startswith(f"team/pair: {hub.root} did not take the model (")
    assert hub.files == {}
