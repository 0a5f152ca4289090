"""The prompt's wording: text files with ``$placeholders``, each of which a user can replace.

A name is put in once and as it is: no attribute of it can be reached, and a ``$`` inside of it is text.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from pathlib import Path
from string import Template

from rag.errors import SettingsError

FALLBACK = "en"
"""The language of the wording where a question's own has none."""


@dataclass(frozen=True, slots=True)
class _Form:
    """What a template may hold, and what it must."""

    needed: frozenset[str]
    allowed: frozenset[str] = frozenset()
    by_language: bool = True


_FORMS = {
    "system": _Form(frozenset({"refusal_mark", "datamarking"})),
    "datamarking": _Form(frozenset({"mark"})),
    "passage": _Form(
        frozenset({"number", "text"}),
        frozenset({"source", "title", "heading", "page", "date"}),
        by_language=False,
    ),
    "question": _Form(frozenset({"passages", "question"}), frozenset({"history"})),
    "history": _Form(frozenset({"turns"})),
    "turn": _Form(frozenset({"question", "answer"})),
}
_NAME = re.compile(r"([a-z]+)(?:\.([a-z]{2,3}))?\.txt")


class PromptTemplates:
    """Templates by kind and language.

    Args:
        texts: file name to text; see ``docs/prompting.md``.
    """

    def __init__(self, texts: Mapping[str, str]) -> None:
        self._templates = {name: Template(text.strip("\n")) for name, text in texts.items()}

    def render(self, kind: str, language: str = FALLBACK, /, **values: str) -> str:
        """The template of that kind with its placeholders filled; a line of an empty one is left out."""
        names = (f"{kind}.txt", f"{kind}.{language}.txt", f"{kind}.{FALLBACK}.txt")
        template = next(self._templates[name] for name in names if name in self._templates)
        text = template.template
        for name, value in values.items():
            if not value:
                text = re.sub(rf"(?m)^\$(?:{name}|{{{name}}})(?:\n+|\Z)", "", text)
        return Template(text).substitute(values).rstrip()


@cache
def default_templates() -> PromptTemplates:
    """What Footnote comes with."""
    return PromptTemplates(_default_texts())


def load_templates(folder: Path | None) -> PromptTemplates:
    """The templates of ``folder``; those that it doesn't hold are Footnote's own.

    Raises:
        SettingsError: the folder or a file cannot be read, a file has no place in a prompt, or its
            placeholders are not those of its kind.
    """
    if folder is None:
        return default_templates()
    if not folder.is_dir():
        raise SettingsError(
            f"Setting 'prompt_templates' is {str(folder)!r}, which is not a folder; name one that holds "
            f"templates like those of docs/prompting.md, or leave the setting out."
        )
    own = {path.name: _checked(path) for path in sorted(folder.glob("*.txt"))}
    return PromptTemplates(_default_texts() | own)


def _default_texts() -> dict[str, str]:
    folder = resources.files("rag.prompting") / "templates"
    return {
        file.name: file.read_text(encoding="utf-8") for file in folder.iterdir() if file.name.endswith(".txt")
    }


def _checked(path: Path) -> str:
    form = _form_of(path)
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as exc:
        raise SettingsError(
            f"The prompt template {path} is not UTF-8 at byte {exc.start}; save it in that encoding."
        ) from exc
    except OSError as exc:
        raise SettingsError(f"The prompt template {path} could not be read ({exc.strerror}).") from exc
    template = Template(text)
    if not template.is_valid():
        raise SettingsError(
            f"The prompt template {path} holds a $ that begins no placeholder; write $$ for the sign itself."
        )
    found = set(template.get_identifiers())
    known = form.needed | form.allowed
    if found - known:
        raise SettingsError(
            f"The prompt template {path} has the placeholder ${min(found - known)}, which it cannot fill; "
            f"known are {_listed(known)}."
        )
    if form.needed - found:
        raise SettingsError(
            f"The prompt template {path} lacks the placeholder ${min(form.needed - found)}; "
            f"it needs {_listed(form.needed)}."
        )
    return text


def _form_of(path: Path) -> _Form:
    match = _NAME.fullmatch(path.name)
    form = _FORMS.get(match.group(1)) if match else None
    if match is None or form is None or form.by_language != bool(match.group(2)):
        names = ", ".join(
            f"{kind}.en.txt" if form.by_language else f"{kind}.txt" for kind, form in _FORMS.items()
        )
        raise SettingsError(
            f"{path} is no prompt template; known are {names}, and other languages by their code."
        )
    return form


def _listed(names: frozenset[str]) -> str:
    return ", ".join(f"${name}" for name in sorted(names))
