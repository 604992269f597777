"""A transducer from the server to words, and what is said where one of its files is not what it should be."""

from __future__ import annotations

import io
import json
import pickle
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner

from dictation.asr.model_folder import model_roots, open_model_folder
from dictation.asr.open_recognizer import open_recognizer
from dictation.asr.transducer.recognizer import TransducerRecognizer
from dictation.cli import main
from dictation.core.errors import CatalogueError, LibraryError, ModelImportFailed
from dictation.core.settings import NetworkSettings, RecognizerSettings
from dictation.library.catalogue import Catalogue
from dictation.library.download import Downloader
from dictation.library.install import InstallCallbacks, install, install_language_model
from tests.support.bad_server import BadServer
from tests.support.emformer import BANDS, TINY, make_ours
from tests.support.protobuf import pieces_model
from tests.support.synth import babble
from tests.support.tiny_rnnt_bundle import STATISTICS, make_tiny_rnnt_bundle
from tests.support.tiny_transducer import BLANK, PIECES, make_network

LABELS = len(PIECES) + 1


class Shop:
    """A server with a tiny transducer, and a machine to install it on."""

    def __init__(self, server: BadServer, tmp_path: Path) -> None:
        self.server = server
        bundle = make_tiny_rnnt_bundle(server.url)
        server.files.update(bundle.files)
        self.catalogue: Catalogue = bundle.catalogue(tmp_path)
        self.models = tmp_path / "data" / "models"
        self.downloader = Downloader(NetworkSettings(), read_timeout_s=0.5, wait=lambda _: None)

    def install(self) -> Path:
        entry = self.catalogue.model("tiny-rnnt")
        return install(entry, self.models, self.downloader, InstallCallbacks()).path


@pytest.fixture
def shop(server: BadServer, tmp_path: Path) -> Shop:
    return Shop(server, tmp_path)


def test_an_installed_transducer_is_the_published_one_and_writes(shop: Shop) -> None:
    import torch
    from safetensors.torch import load_file

    folder = open_model_folder(shop.install())
    assert folder.labels.symbols == (*PIECES, BLANK)
    assert (folder.decoding.kind, folder.decoding.beam_width) == ("transducer", 10)
    assert folder.features.mean == (15.0,) * BANDS  # type: ignore[union-attr]
    published = torch.load(io.BytesIO(shop.server.files["/rnnt.pt"]), weights_only=True)
    ours = load_file(folder.required_file("weights"))
    assert ours.keys() == published.keys()
    assert all(torch.equal(ours[name], published[name]) for name in published)
    recognizer = open_recognizer(folder, RecognizerSettings(processor="cpu"))
    assert isinstance(recognizer, TransducerRecognizer)
    recognizer.load()
    assert recognizer.recognize(babble(2.0)).best.words, "random weights that say nothing test nothing"


def test_its_words_are_those_of_torchaudio(shop: Shop) -> None:
    """The published network, features and search of torchaudio on the same audio."""
    import torch
    from torchaudio.models import RNNTBeamSearch

    from dictation.asr.transducer.beam import MOST_PER_FRAME

    folder = open_model_folder(shop.install())
    samples = babble(0.5)
    with torch.inference_mode():
        features = torch.nn.functional.pad(folder.features.build()(torch.from_numpy(samples)), (0, 0, 0, 4))
        search = RNNTBeamSearch(make_network(LABELS), LABELS - 1, step_max_tokens=MOST_PER_FRAME)
        tokens, *_ = search(features, torch.tensor([len(features)]), 10)[0]
    pieces = "".join(PIECES[token] for token in tokens[1:] if PIECES[token] != "<unk>")
    recognizer = open_recognizer(folder, RecognizerSettings(processor="cpu"))
    recognizer.load()
    assert recognizer.recognize(samples).best.text.split() == pieces.replace("▁", " ").split()


class _Evil:
    def __reduce__(self) -> tuple[Callable[[str], object], tuple[str]]:
        return Path.touch, (Path("never"),)  # type: ignore[return-value]


def wrong_size() -> bytes:
    import torch

    buffer = io.BytesIO()
    torch.save(make_ours(make_network(LABELS + 1), TINY, BANDS, LABELS + 1).state_dict(), buffer)
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("path", "content", "complaint"),
    [
        ("/stats.json", lambda: b"{", "stats.json: is not valid JSON"),
        ("/stats.json", lambda: b"{}", "does not hold mean and invstddev of bands"),
        ("/stats.json", lambda: json.dumps({**STATISTICS, "mean": ["x"] * BANDS}).encode(), "are not numbers"),
        ("/stats.json", lambda: json.dumps({**STATISTICS, "mean": [1.0]}).encode(), "one entry for each band"),
        ("/stats.json", lambda: json.dumps({"mean": [1.0], "invstddev": [1.0]}).encode(), "has shape"),
        ("/pieces.model", lambda: b"nothing", "pieces.model: is not a whole SentencePiece model"),
        ("/pieces.model", lambda: pieces_model([*PIECES, "▁a"]), "holds an entry twice"),
        ("/pieces.model", lambda: pieces_model(PIECES[:-1]), "has shape"),
        ("/pieces.model", lambda: pieces_model(["a", "b"]), "so none begins a word"),
        ("/rnnt.pt", wrong_size, "has shape"),
        ("/rnnt.pt", lambda: pickle.dumps(_Evil(), protocol=2), "rnnt.pt: "),
    ],
)
def test_a_file_that_does_not_fit_is_named_and_nothing_is_left(
    shop: Shop, path: str, content: Callable[[], bytes], complaint: str
) -> None:
    shop.server.files[path] = content()
    with pytest.raises(ModelImportFailed) as caught:
        shop.install()
    assert complaint in str(caught.value)
    assert [one for one in shop.models.parent.rglob("*") if one.is_file()] == []
    assert not Path("never").exists()


def test_it_takes_no_language_model_and_asks_for_none(shop: Shop) -> None:
    any_model = shop.catalogue.language_model("any-lm")
    entry = shop.catalogue.model("tiny-rnnt")
    assert entry.with_language_model(None) == entry
    with pytest.raises(CatalogueError, match="searches without a language model"):
        entry.with_language_model(any_model)
    folder = open_model_folder(shop.install())
    asked = len(shop.server.asked)
    with pytest.raises(LibraryError, match="searches without a language model"):
        install_language_model(any_model, folder, shop.models, shop.downloader, InstallCallbacks())
    assert len(shop.server.asked) == asked


def test_download_import_and_transcribe_on_the_command_line(server: BadServer, tmp_path: Path) -> None:
    bundle = make_tiny_rnnt_bundle(server.url)
    server.files.update(bundle.files)
    catalogue = tmp_path / "catalogue.toml"
    catalogue.write_text(bundle.catalogue_text, encoding="utf-8")

    def run(*arguments: object) -> str:
        result = CliRunner().invoke(main, ["models", *map(str, arguments)], prog_name="dictation")
        assert result.exit_code == 0, result.output
        return result.output

    assert "Tiny transducer is installed" in run("download", "tiny-rnnt", "--catalogue", catalogue)
    stick = tmp_path / "stick"
    installed = model_roots()[-1] / "tiny-rnnt"
    installed.rename(stick)
    run("import", stick)
    assert "Tiny transducer" in run("list")
    assert "Tiny transducer" in run("bench", "Tiny transducer")
