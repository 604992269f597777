"""Give an installed model another language model: a KenLM file alone."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import tomli_w

from dictation.asr.decoding import LEXICON, TRANSDUCER
from dictation.asr.importing.job import ImportJob
from dictation.asr.importing.kenlm_files import by_labels, by_words, copy_language_model
from dictation.asr.importing.writing import copy_file, folder_name, hidden_folder, staging
from dictation.asr.lexicon import read_lexicon
from dictation.asr.model_folder import DESCRIPTION_FILE, ModelFile, ModelFolder
from dictation.core.errors import ModelImportFailed

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

_ROLES = ("language_model", "unigrams")


def replace_language_model(path: Path, target: ModelFolder, models_folder: Path, job: ImportJob) -> Path:
    """Put a KenLM file in the place of a model's language model; returns the model's folder.

    A model outside ``models_folder`` is left as it is: a copy with the new language model is made there. Inside, the
    new files are written beside the old ones, ``model.toml`` changes in one step, and then the old files go.

    Raises:
        ModelImportFailed: naming the file and why.
        ImportCancelled: if the job says so.
    """
    if target.decoding.kind == TRANSDUCER:
        why = f"has no place in {target.name}, which searches without a language model"
        raise ModelImportFailed(path, why, "Choose another model for it.")
    needed_bytes = path.stat().st_size
    if target.path.resolve().parent == models_folder.resolve():
        return _replace(path, target, job, needed_bytes)
    name = f"{target.name} with {path.name.split('.')[0]}"
    needed_bytes += sum(file.size_bytes for file in target.files.values())
    with staging(models_folder, name, needed_bytes) as folder:
        kept = [file for role, file in target.files.items() if role not in _ROLES]
        for number, file in enumerate(kept):
            copy_file(target.path / file.name, folder / file.name, job.part(0.0, (number + 1) / len(kept) / 2))
        new = copy_language_model(path, None, folder, _can_spell(target), job.part(0.5, 1.0))
        _describe(target, folder / DESCRIPTION_FILE, {"name": name}, new.files)
    return models_folder / folder_name(name)


def _replace(path: Path, target: ModelFolder, job: ImportJob, needed_bytes: int) -> Path:
    """Change the model folder itself."""
    old = [target.path / target.files[role].name for role in _ROLES if role in target.files]
    with hidden_folder(target.path.parent, needed_bytes) as folder:
        new = copy_language_model(path, None, folder, _can_spell(target), job)
        named = {}
        for role, file in new.files.items():
            place = Path(file.name)  # the hash keeps old and new apart until model.toml has changed
            name = f"{place.stem}-{file.sha256[:8]}{place.suffix}"
            (folder / file.name).replace(target.path / name)
            named[role] = ModelFile(name, file.size_bytes, file.sha256)
        description = folder / "description"  # by another name it is not taken for a model
        _describe(target, description, {}, named)
        description.replace(target.path / DESCRIPTION_FILE)
    for file_path in set(old) - {target.path / file.name for file in named.values()}:
        with contextlib.suppress(OSError):  # Windows keeps a file that a running program reads
            file_path.unlink()
    return target.path


def _can_spell(target: ModelFolder) -> Callable[[str], bool]:
    """Which words the target can write: with its letters, or with those of the words in its lexicon."""
    if target.decoding.kind == LEXICON:
        return by_words(read_lexicon(target.required_file("lexicon"), target.labels).words)
    return by_labels(target.labels)


def _describe(target: ModelFolder, path: Path, changes: Mapping[str, Any], files: Mapping[str, ModelFile]) -> None:
    """Write the target's ``model.toml`` with another language model; measured rates belonged to the old one."""
    source = target.path / DESCRIPTION_FILE
    try:
        table = tomllib.loads(source.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ModelImportFailed(source, f"cannot be read ({error})") from error
    kept = {role: entry for role, entry in table["files"].items() if role not in _ROLES}
    table.pop("word_error_rate", None)
    table.update(changes)
    table["files"] = {**kept, **{role: asdict(file) for role, file in files.items()}}
    path.write_text(tomli_w.dumps(table), encoding="utf-8")
