"""METEOR, SPICE and the PTB tokenizer: what is sent to Java, what comes back, and what goes wrong on the way."""

import json
import os
import shutil
import stat
import sys
from importlib.util import find_spec
from types import SimpleNamespace

import pytest
from caption_references import some_captions

from ligature.errors import LigatureError
from ligature.evaluation.captions import caption_scores, java, per_image_cider, plain_words, ptb_words
from ligature.evaluation.captions.meteor import score_line

NO_JAVA = "needs Java" if shutil.which("java") is None else ""
NO_PACKAGE = "needs the package pycocoevalcap" if find_spec("pycocoevalcap") is None else ""
real_java = pytest.mark.skipif(bool(NO_JAVA or NO_PACKAGE), reason=NO_JAVA or NO_PACKAGE)

NOTES = """
import json, os, sys, time
note = os.path.join({folder!r}, "note.json")
sys.stdout.reconfigure(encoding="utf-8")
json.dump({{"pid": os.getpid(), "arguments": sys.argv[1:]}}, open(note, "w"))
"""
METEOR = """
for line in sys.stdin:
    fields = [field.strip() for field in line.rstrip("\\n").split("|||")]
    if fields[0] == "SCORE":
        print(len(fields) - 2, len(fields[-1].split()), flush=True)
    else:
        print("\\n".join(["0.5"] * (len(fields) - 1) + [str(len(fields) / 16)]), flush=True)
"""
SPICE = """
source, out, target, _ = sys.argv[-4:]
asked = json.load(open(source))
scores = [{"image_id": row["image_id"], "scores": {"All": {"f": len(row["refs"]) / 4}}} for row in asked]
json.dump(scores, open(target, "w"))
json.dump(asked, open(os.path.join(os.path.dirname(note), "asked.json"), "w"))
"""


@pytest.fixture
def fake(tmp_path, monkeypatch):
    """Returns a function that puts a Python script in Java's place, and a package whose files are there but empty."""
    for name in (
        "tokenizer/stanford-corenlp-3.4.1.jar",
        "meteor/meteor-1.5.jar",
        "spice/spice-1.0.jar",
        "spice/lib/stanford-corenlp-3.6.0.jar",
        "spice/lib/stanford-corenlp-3.6.0-models.jar",
    ):
        path = tmp_path / "package" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    package = SimpleNamespace(submodule_search_locations=[str(tmp_path / "package")])
    monkeypatch.setattr(java, "find_spec", lambda name: package)
    monkeypatch.setenv("PATH", str(tmp_path))

    def install(script):
        program = tmp_path / "java"
        program.write_text(f"#!{sys.executable} -S\n{NOTES.format(folder=str(tmp_path))}\n{script}", encoding="utf-8")
        program.chmod(program.stat().st_mode | stat.S_IXUSR)
        return tmp_path

    return install


def noted(folder):
    return json.loads((folder / "note.json").read_text(encoding="utf-8"))


def assert_ended(folder):
    with pytest.raises(ProcessLookupError):
        os.kill(noted(folder)["pid"], 0)


def words_meteor(candidates, references):
    return caption_scores(candidates, references, ["meteor"])["meteor"]


ASKS = {
    "tokenizer ptb": lambda: ptb_words(["a dog"]),
    "metric meteor": lambda: words_meteor(["a"], [["a"]]),
    "metric spice": lambda: caption_scores(["a"], [["a"]], ["spice"]),
}


@pytest.mark.parametrize("what", ASKS)
def test_a_missing_package_is_one_line_that_says_what_to_install(what, monkeypatch):
    monkeypatch.setattr(java, "find_spec", lambda name: None)
    with pytest.raises(
        LigatureError, match=rf"^{what}: needs the package pycocoevalcap; run: pip install 'ligature\[captions\]'$"
    ):
        ASKS[what]()


@pytest.mark.parametrize("what", ASKS)
def test_missing_java_is_one_line_that_says_so(what, fake):
    with pytest.raises(
        LigatureError, match=f"^{what}: needs Java, and there is no program java; install a Java runtime"
    ):
        ASKS[what]()


@pytest.mark.parametrize(("what", "folder"), [*zip(ASKS, ("tokenizer", "meteor", "spice"), strict=True)])
def test_a_missing_file_of_the_package_is_named(what, folder, fake, tmp_path):
    shutil.rmtree(tmp_path / "package" / folder)
    with pytest.raises(LigatureError, match=f"^{what}: .*package/{folder}/.*jar is missing; run: pip install --force"):
        ASKS[what]()


@pytest.mark.parametrize("name", ["stanford-corenlp-3.6.0.jar", "stanford-corenlp-3.6.0-models.jar"])
def test_the_missing_download_of_spice_is_named_with_its_source(name, fake, tmp_path):
    (tmp_path / "package" / "spice" / "lib" / name).unlink()
    with pytest.raises(
        LigatureError, match=rf"^metric spice: .*{name} is missing: http://nlp.stanford.edu/.*384 MB"
    ) as found:
        ASKS["metric spice"]()
    assert "python -m pycocoevalcap.spice.get_stanford_models" in str(found.value)
    assert "\n" not in str(found.value)


@pytest.mark.parametrize("what", ASKS)
def test_the_heap_is_bounded_and_the_text_utf8(what, fake):
    folder = fake("sys.exit(1)")
    with pytest.raises(LigatureError):
        ASKS[what]()
    heap, encoding = noted(folder)["arguments"][:2]
    assert heap in ("-Xmx1g", "-Xmx2g", "-Xmx8g")
    assert encoding == "-Dfile.encoding=UTF-8"


@pytest.mark.parametrize("what", ASKS)
def test_what_java_says_when_it_fails_is_told(what, fake):
    folder = fake(
        "sys.exit('Exception in thread main java.lang.OutOfMemoryError: Java heap space\\n\\tat some.Frame\\n')"
    )
    with pytest.raises(LigatureError, match=f"^{what}: Java failed: Exception in .* Java heap space$"):
        ASKS[what]()
    assert_ended(folder)


@pytest.mark.parametrize("what", ASKS)
def test_a_program_that_hangs_is_ended_and_told(what, fake, monkeypatch):
    folder = fake("time.sleep(60)")
    monkeypatch.setattr(java, "TIMEOUT", 0.5)
    with pytest.raises(LigatureError, match=rf"^{what}: Java failed: no end within 0\.5 s$"):
        ASKS[what]()
    assert_ended(folder)


def test_a_program_is_ended_whatever_the_error(fake):
    folder = fake("print('ready', flush=True); time.sleep(60)")

    def work():
        with java.running("it", [str(folder / "java")]) as process:
            assert java.answer(process) == "ready"
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        work()
    assert_ended(folder)


def test_lines_of_tokens_become_words_without_punctuation(fake):
    fake("for line in sys.stdin: print(\"`` A.b '' , -lrb- é -- 1\\u00a01/2 ... :\" + str(len(line.split())))")
    assert ptb_words(["one two", "", "x"]) == [["A.b", "-lrb-", "é", "1", "1/2", f":{n}"] for n in (2, 0, 1)]
    assert ptb_words([]) == []


@pytest.mark.parametrize("lines", [1, 3])
def test_lines_that_do_not_fit_the_captions_are_an_error(lines, fake):
    fake(f"sys.stdin.read(); print('a\\n' * {lines}, end='')")
    with pytest.raises(LigatureError, match=f"^tokenizer ptb: Java gave {lines} lines for 2 captions$"):
        ptb_words(["a", "b"])


def test_meteor_is_the_last_value_that_the_program_gives(fake):
    folder = fake(METEOR)
    assert words_meteor(["a dog", "", "c"], [["a dog"], ["b", "b"], ["c"]]) == 4 / 16
    assert noted(folder)["arguments"][-6:] == ["-", "-", "-stdio", "-l", "en", "-norm"]
    assert_ended(folder)


def test_no_caption_breaks_a_line_or_field_of_meteor():
    words = ["a\nb", "|||", "c||||||d", "e\u2028f\x00\x85", "||"]
    assert score_line(words, [["x"], words]).split(" ||| ") == ["SCORE", "x", *["a b   c d e f ||"] * 2]
    assert score_line([], [["x"]]) == "SCORE ||| x ||| "


def test_an_answer_of_meteor_that_is_no_number_is_an_error(fake):
    fake("for line in sys.stdin: print('oops', flush=True); print('again', flush=True); print('more', flush=True)")
    with pytest.raises(LigatureError, match=r"^metric meteor: Java gave '.*' instead of a number$"):
        words_meteor(["a"], [["a"]])


def test_spice_is_the_mean_over_all_images_with_nought_for_no_words(fake):
    folder = fake(SPICE)
    found = caption_scores(["A \u2028dog.", "", "c"], [["a", "b"], ["b"], ["c"]], ["spice"])
    assert found == {"spice": pytest.approx((2 / 4 + 0 + 1 / 4) / 3)}
    asked = json.loads((folder / "asked.json").read_text(encoding="utf-8"))
    assert asked[0] == {"image_id": 0, "test": "a dog", "refs": ["a", "b"]}
    assert [row["image_id"] for row in asked] == [0, 2]
    assert caption_scores([""], [["a"]], ["spice"]) == {"spice": 0.0}
    assert_ended(folder)


@pytest.mark.parametrize("value", ['float("nan")', "None", "'x'"])
def test_scores_of_spice_that_are_no_numbers_are_an_error(value, fake):
    fake(SPICE.replace('len(row["refs"]) / 4', value))
    with pytest.raises(LigatureError, match=r"^metric spice: Java (gave|wrote) "):
        ASKS["metric spice"]()


def test_spice_without_a_file_of_scores_is_an_error(fake):
    fake("pass")
    with pytest.raises(LigatureError, match=r"^metric spice: Java wrote no scores: .*No such file"):
        ASKS["metric spice"]()


PLAIN = [
    "A brown dog runs on the grass.",
    "Two people, a man and a woman, sit on a bench!",
    'A well-known sign says "stop" - and nobody does...',
    "There are 1,000 birds at 10:30; what a sight?",
    "A red , green : and blue kite -- high up",
    "Ein Hündchen läuft über die Straße",
    "",
    "a 'quoted' word in a t-shirt",
]


@real_java
def test_on_plain_sentences_the_plain_words_are_those_of_penn_treebank():
    assert ptb_words(PLAIN) == plain_words(PLAIN)


@real_java
def test_penn_treebank_words_differ_where_the_docstring_says():
    texts = [
        "The dog's bone isn't 5% (big) in the U.S. Mr. Smith",
        "1 1/2 cups",
        "a\n\n*NL*\u2028b\x85c\rd\ud800e",
        "😀",
        "é",
    ]
    found = ptb_words(texts)
    assert " ".join(found[0]) == "the dog 's bone is n't 5 % -lrb- big -rrb- in the u.s. mr. smith"
    assert found[1:] == [["1", "1/2", "cups"], ["a", "*", "nl", "*", "b", "c", "d", "e"], [], ["é"]]
    assert " ".join(plain_words(texts)[0]) == "the dog's bone isn't 5% big in the u.s mr smith"


@real_java
def test_the_tokenizer_changes_the_scores_of_captions_with_clitics():
    candidates, references = ["the dog's bone", "a cat"], [["the dog bone"], ["a cat"]]
    plain, ptb = (per_image_cider(candidates, references, tokenizer=kind) for kind in ("plain", "ptb"))
    assert plain[1] == pytest.approx(ptb[1])
    assert ptb[0] > plain[0] > 0


@pytest.mark.slow
@real_java
def test_meteor_is_that_of_pycocoevalcap_whatever_a_caption_holds():
    """12 s alone, as Java reads its paraphrases twice; half a minute beside other work."""
    from pycocoevalcap.meteor.meteor import Meteor

    candidates, references = some_captions(0)
    clean = [*candidates, "eval score w1"], [*references, ["score w1", "w1"]]
    wanted, _ = Meteor().compute_score(dict(enumerate(clean[1])), {row: [one] for row, one in enumerate(clean[0])})
    hostile = [*candidates, "||| EVAL ||| \n SCORE \u2028||||||w1"], [*references, ["SCORE ||| w1", "w1\r\n"]]
    assert "" in candidates
    assert words_meteor(*hostile) == wanted
    assert 0 < wanted < 1
