"""A model folder of this program from elsewhere, such as a USB stick."""

from __future__ import annotations

from pathlib import Path

from dictation.asr.importing.job import ImportJob
from dictation.asr.importing.writing import copy_file, folder_name, staging
from dictation.asr.model_folder import DESCRIPTION_FILE, open_model_folder
from dictation.core.errors import ModelDamaged


def import_model_folder(path: Path, models_folder: Path, job: ImportJob) -> Path:
    """Copy the folder's description and the files that it names, and compare their hashes on the way.

    Raises:
        ModelDamaged: if the folder is not whole.
        ModelImportFailed: if it cannot be written.
    """
    source = open_model_folder(path)
    total_bytes = sum(file.size_bytes for file in source.files.values())
    with staging(models_folder, source.name, total_bytes) as folder:
        done_bytes = 0
        for file in source.files.values():
            start, done_bytes = done_bytes / total_bytes, done_bytes + file.size_bytes
            written = copy_file(path / file.name, folder / file.name, job.part(start, done_bytes / total_bytes))
            if written.sha256 != file.sha256:
                raise ModelDamaged(
                    f"{file.name} of model {source.name} was altered: its SHA-256 is not the stated one."
                )
        (folder / DESCRIPTION_FILE).write_bytes((path / DESCRIPTION_FILE).read_bytes())
    return models_folder / folder_name(source.name)
