import socket

import pytest
from hub_server import TOKEN, go_online, hub_running
from huggingface_hub import constants, get_session

from ligature.data.remote.hub import push_dataset
from ligature.errors import DataError


@pytest.fixture
def hub():
    with hub_running() as running:
        yield running


@pytest.fixture
def folder(tmp_path):
    folder = tmp_path / "dataset"
    folder.mkdir()
    (folder / "README.md").write_text("---\nlicense: other\n---\n# A card\n")
    (folder / "selected.parquet").write_bytes(bytes(range(256)) * 1000)
    (folder / "random.parquet").write_bytes(b"PAR1 and more")
    return folder


@pytest.fixture(autouse=True)
def calls_elsewhere(monkeypatch):
    """Fails a test in which any other host is even looked up, also where the library would hide the failure."""
    look_up, elsewhere = socket.getaddrinfo, []

    def local_look_up(host, *args, **kwargs):
        if host not in ("127.0.0.1", b"127.0.0.1"):
            elsewhere.append(host)
            raise socket.gaierror(f"no look-up of {host} in tests")
        return look_up(host, *args, **kwargs)

    monkeypatch.setattr(socket, "getaddrinfo", local_look_up)
    go_online(monkeypatch)
    for name in ("HF_TOKEN", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
    yield elsewhere
    assert elsewhere == []


def push(folder, hub, repo_id="team/pool", token=TOKEN, **options):
    return push_dataset(folder, repo_id, endpoint=hub.root, token=token, **options)


def refusal(*args, **kwargs):
    with pytest.raises(DataError) as caught:
        push(*args, **kwargs)
    assert "\n" not in str(caught.value)
    assert TOKEN not in str(caught.value)
    return str(caught.value)


def test_offline_nothing_is_asked_and_it_is_said(folder, hub, monkeypatch):
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    assert "offline" in refusal(folder, hub)
    assert hub.seen == []


def test_the_bytes_that_arrive_are_those_of_the_folder(folder, hub):
    assert push(folder, hub) == f"{hub.root}/datasets/team/pool"
    assert hub.files == {path.name: path.read_bytes() for path in folder.iterdir()}


def test_the_data_set_is_created_private_and_the_commit_has_its_message(folder, hub):
    push(folder, hub, message="version 2")
    assert hub.commits == ["version 2"]
    (created,) = hub.created
    assert created == {"name": "pool", "organization": "team", "type": "dataset", "visibility": "private"}


def test_a_public_data_set_is_public(folder, hub):
    push(folder, hub, private=False)
    assert hub.created[0]["visibility"] == "public"


def test_a_data_set_that_is_there_is_no_mistake(folder, hub):
    push(folder, hub)
    (folder / "selected.parquet").write_bytes(b"another version")
    push(folder, hub)
    assert len(hub.commits) == 2
    assert hub.files["selected.parquet"] == b"another version"


def test_the_api_sees_the_token_and_the_file_store_does_not(folder, hub):
    push(folder, hub)
    shown = {(command, authorization) for command, _, authorization in hub.seen}
    assert shown == {("POST", f"Bearer {TOKEN}"), ("PUT", None)}


def test_the_token_of_the_environment_is_used(folder, hub, monkeypatch):
    monkeypatch.setenv("HF_TOKEN", TOKEN)
    push(folder, hub, token=None)
    assert hub.commits


def test_without_a_token_nothing_is_sent(folder, hub):
    assert "no token; put one" in refusal(folder, hub, token=None)
    assert hub.seen == []


@pytest.mark.parametrize("repo_id", ["pool", "a/b/c", "../x", "team/..", "team/po ol", "team/x--y", "", "team/"])
def test_malformed_names_are_refused(folder, hub, repo_id):
    assert "OWNER/NAME" in refusal(folder, hub, repo_id)
    assert hub.seen == []


@pytest.mark.parametrize("endpoint", ["ftp://127.0.0.1", "file:///tmp", "127.0.0.1", ""])
def test_malformed_endpoints_are_refused(folder, endpoint):
    with pytest.raises(DataError, match="is not an http or https address"):
        push_dataset(folder, "team/pool", endpoint=endpoint, token=TOKEN)


@pytest.mark.parametrize("name", ["images.tar", ".gitignore", "notes.md", "inner/README.md", "x.parquet/y"])
def test_a_folder_with_anything_else_is_refused(folder, hub, name):
    path = folder / name
    path.parent.mkdir(exist_ok=True)
    path.write_text("*")
    assert f"{folder / name.partition('/')[0]}: neither README.md nor a parquet file" in refusal(folder, hub)
    assert hub.seen == []


def test_a_link_is_refused_since_it_may_lead_anywhere(folder, hub, tmp_path):
    (tmp_path / "secret").write_text("secret")
    (folder / "more.parquet").symlink_to(tmp_path / "secret")
    assert "more.parquet: neither" in refusal(folder, hub)


def test_a_folder_needs_a_card_and_data(folder, hub, tmp_path):
    assert "cannot be read" in refusal(tmp_path / "nothing", hub)
    card = folder / "README.md"
    text = card.read_text()
    card.unlink()
    assert "holds no README.md" in refusal(folder, hub)
    card.write_text(text)
    for path in folder.glob("*.parquet"):
        path.unlink()
    assert "holds no parquet file" in refusal(folder, hub)


@pytest.mark.parametrize(
    ("part", "status"), [("/api/repos/create", 403), ("/preupload/", 404), ("/lfs/", 422), ("/commit/", 413)]
)
def test_a_refusal_of_the_hub_is_one_line(folder, hub, part, status):
    hub.failures[part] = status
    text = refusal(folder, hub)
    assert text.startswith(f"team/pool: {hub.root} did not take the data set (")
    assert str(status) in text
    assert hub.files == {}


def test_a_hub_that_is_not_there_is_one_line(folder):
    with socket.create_server(("127.0.0.1", 0)) as free:
        endpoint = f"http://127.0.0.1:{free.getsockname()[1]}"
    with pytest.raises(DataError, match="did not take the data set"):
        push_dataset(folder, "team/pool", endpoint=endpoint, token=TOKEN)


def test_an_endpoint_cannot_send_the_data_on_to_the_public_hub(folder, hub):
    hub.redirect = "https://huggingface.co"
    assert "did not take the data set" in refusal(folder, hub)
    assert len(hub.seen) == 1


def test_an_endpoint_cannot_send_the_data_on_to_anybody(folder, hub):
    with hub_running() as other:
        hub.redirect = other.root
        assert "did not take the data set" in refusal(folder, hub)
        assert other.seen == []


@pytest.mark.parametrize("host", ["https://cdn-lfs.huggingface.co", "https://hf.co", "https://CDN.hf.co"])
def test_an_endpoint_cannot_name_a_store_of_the_public_hub(folder, hub, host):
    hub.upload_host = host
    text = refusal(folder, hub)
    assert "a host of the public Hub, was stopped" in text
    assert hub.files == {}


def test_the_public_hub_is_reached_when_it_is_the_endpoint(folder, calls_elsewhere):
    with pytest.raises(DataError, match=r"https://huggingface\.co did not take the data set"):
        push_dataset(folder, "team/pool", endpoint="https://huggingface.co/", token=TOKEN)
    assert set(calls_elsewhere) == {"huggingface.co"}
    calls_elsewhere.clear()


def test_nothing_but_the_push_itself_is_asked_of_the_endpoint(folder, hub):
    push(folder, hub)
    starts = ("/api/repos/create", "/api/validate-yaml", "/api/datasets/team/pool/", "/datasets/team/pool.git/", "/obj")
    assert [path for _, path, _ in hub.seen if not path.startswith(starts)] == []
    assert not any("torch/" in agent for agent in hub.agents)


def test_the_settings_of_the_library_are_as_before(folder, hub):
    names = ("ENDPOINT", "HF_HUB_DISABLE_XET", "HF_HUB_DISABLE_TELEMETRY")
    before = [getattr(constants, name) for name in names]
    push(folder, hub)
    hub.failures["/commit/"] = 400
    refusal(folder, hub)
    assert [getattr(constants, name) for name in names] == before
    assert get_session().follow_redirects is True
