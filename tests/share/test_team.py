"""A team shares for real: through a folder, an SSH server and an S3-compatible server on this machine."""

import hashlib
import os
import signal
import time

import pytest

pytestmark = pytest.mark.slow

KINDS = ["folder", "ssh", "s3"]
MANY = {"folder": 400, "ssh": 200, "s3": 100}
"""Files that take long enough to be interrupted."""
FEW = {f"part-{number}/vectors.npy": bytes([number]) * 1000 for number in range(8)}


def many(user: str, count: int, size: int) -> dict[str, bytes]:
    return {f"{number}.npy": f"{user}-{number}".encode().ljust(size, b".") for number in range(count)}


def interrupt(process, seen, at_least: int) -> dict:
    """Kills a process group without warning once so many objects have arrived; returns those that had."""
    deadline = time.monotonic() + 60
    while len(arrived := seen()) < at_least and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.001)
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()
    return seen() if arrived else {}


@pytest.mark.ci
@pytest.mark.parametrize("kind", KINDS)
def test_what_one_user_pushes_another_pulls(make_team, kind):
    team = make_team(kind)
    founder = team.founder(FEW)
    assert "0 of 18 objects" in founder.run("ligature", "share", "status")
    assert "pushed 18 objects" in founder.run("ligature", "share", "push")
    assert "pushed 0 objects, 0 B; 18 of 18 were" in founder.run("ligature", "share", "push")
    colleague = team.clone("colleague")
    assert "18 of 18 objects; complete" in colleague.run("ligature", "share", "status")
    colleague.run("dvc", "pull")
    for stage in ("images", "texts"):
        assert colleague.contents(stage) == founder.contents(stage) != {}
    secrets = (founder.folder / ".dvc/config").read_text()
    assert "keyfile" not in secrets
    assert "secret" not in secrets


@pytest.mark.parametrize("kind", KINDS)
def test_two_users_who_push_at_once_lose_nothing(make_team, kind):
    team = make_team(kind)
    team.founder(FEW).run("ligature", "share", "push")
    common = many("both", 40, 2000)
    users = {name: team.clone(name) for name in ("alice", "bob")}
    for name, clone in users.items():
        clone.fill(images=common | {f"own/{key}": value for key, value in many(name, 40, 2000).items()})
        clone.commit(branch=name)
    pushes = [clone.start("ligature", "share", "push", "--partial") for clone in users.values()]
    for push in pushes:
        output, _ = push.communicate(timeout=120)
        assert push.returncode == 0, output
    for name, clone in users.items():
        other = team.clone(f"reader-of-{name}", branch=name)
        other.run("dvc", "pull", "images")
        assert other.contents("images") == clone.contents("images")


@pytest.mark.parametrize("kind", KINDS)
def test_an_interrupted_push_goes_on_and_sends_nothing_twice(make_team, kind):
    team = make_team(kind)
    founder = team.founder(FEW)
    founder.fill(images=many("founder", MANY[kind], 50_000))
    push = founder.start("ligature", "share", "push")
    arrived = interrupt(push, team.place.objects, 20)
    total = MANY[kind] + len(FEW) + 2
    assert 20 <= len(arrived) < total
    output = founder.run("ligature", "share", "push")
    assert f"{len(arrived)} of {total} were" in output
    after = team.place.objects()
    assert {name: after[name] for name in arrived} == arrived
    assert f"all {total} objects" in founder.run("ligature", "share", "verify")


@pytest.mark.parametrize("kind", KINDS)
def test_an_interrupted_pull_goes_on_and_fetches_nothing_twice(make_team, kind):
    team = make_team(kind)
    founder = team.founder(FEW)
    founder.fill(images=many("founder", MANY[kind], 50_000))
    founder.run("ligature", "share", "push")
    founder.commit()
    colleague = team.clone("colleague")
    arrived = interrupt(colleague.start("dvc", "pull"), colleague.cache, 20)
    assert 20 <= len(arrived) < len(team.place.objects())
    colleague.run("dvc", "pull")
    after = colleague.cache()
    assert after.keys() == team.place.objects().keys()
    assert {name: after[name] for name in arrived} == arrived
    assert colleague.contents("images") == founder.contents("images")


@pytest.mark.parametrize("kind", [pytest.param(KINDS[0], marks=pytest.mark.ci), *KINDS[1:]])
def test_a_corrupted_object_is_found_on_pull_named_and_repaired(make_team, kind):
    team = make_team(kind)
    founder = team.founder(FEW)
    founder.run("ligature", "share", "push")
    good = founder.contents("images")["part-3/vectors.npy"]
    name = hashlib.md5(good).hexdigest()
    team.place.overwrite(name, good[:-1] + b"!")
    colleague = team.clone("colleague")
    assert "results/images" in colleague.run("dvc", "pull", status=1)
    assert set(colleague.contents("images").items()) <= set(founder.contents("images").items())
    assert f"broken: results/images/part-3/vectors.npy (object {name})" in colleague.run(
        "ligature", "share", "verify", status=1
    )
    assert "1 object of 18 broken or lost" in colleague.run("ligature", "share", "verify", "--repair", status=1)
    assert "sent again: 1 object" in founder.run("ligature", "share", "verify", "--repair")
    colleague.run("dvc", "pull")
    assert colleague.contents("images") == founder.contents("images")


def test_a_lost_object_is_sent_again_by_the_next_push(make_team):
    team = make_team("folder")
    founder = team.founder(FEW)
    founder.run("ligature", "share", "push")
    name = hashlib.md5(founder.contents("texts")["part-5/vectors.npy"]).hexdigest()
    team.place.remove(name)
    assert "results/texts: lacks 1 of 9" in founder.run("ligature", "share", "status")
    stranger = team.clone("stranger")
    lost = stranger.run("ligature", "share", "push", "--partial", status=1)
    assert "lacks 1 of 18 objects, such as results/texts/part-5/vectors.npy, and this machine does not" in lost
    assert "sent again: 1 object" in founder.run("ligature", "share", "push")
    assert name in team.place.objects()


def test_only_what_is_recorded_is_pushed(make_team):
    team = make_team("folder")
    founder = team.founder(FEW)
    assert "colleagues see it once you commit" not in founder.run("ligature", "share", "push")
    (founder.folder / "results/texts/part-0/vectors.npy").write_bytes(b"newer")
    refused = founder.run("ligature", "share", "push", status=1)
    assert "does not record texts as the files and parameters are now" in refused
    assert "pushed 0 objects" in founder.run("ligature", "share", "push", "--partial")
    founder.fill(texts={"other": b"newer"})
    pushed = founder.run("ligature", "share", "push")
    assert "pushed 2 objects" in pushed
    assert "git add dvc.lock && git commit" in pushed
