"""CTC token passing through a pronunciation tree: finds the words whose sounds a network heard.

A token is a hypothesis at a place of the tree (Young, Russell and Thornton 1989, "Token passing: a simple conceptual
model for connected speech recognition systems"). CTC (Graves et al. 2006) lets it stay on its sound, fall silent
(blank), or go on to a sound that follows; the same sound twice needs a blank between. All tokens move at once as numpy
arrays, once per frame. Two tokens at one place whose words mean the same for those to come go on as one, the better.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from dictation.asr.pronunciation_tree import Flags, Ints, PronunciationTree, Reals
from dictation.asr.word_histories import WordHistories

if TYPE_CHECKING:
    from dictation.asr.decoder import LogProbs

_FRAMES_PER_CHECK = 16
_SPARE = 3
"""So many times the beam's tokens are sorted before equal ones are merged; the rest is too far behind to matter."""

WORD_END_SHARE = 0.8
"""Of the margin that a word's end may be behind. Ends cost most, because the language model is asked, and few that are
far behind win: with a margin of 14 nats, and 11 for ends, 377 development clips had the word errors of 14 for both and
took the time of 12 (starter-v6)."""


@dataclass(frozen=True)
class SearchOptions:
    """How far to search.

    Attributes:
        most_tokens: Tokens kept from frame to frame.
        margin: Tokens this far behind the best one are dropped, in nats; where a word ends, ``WORD_END_SHARE`` of it.
        least_label_logp: Sounds less likely than this in a frame are not tried.
    """

    most_tokens: int
    margin: float
    least_label_logp: float


@dataclass(frozen=True)
class Lookahead:
    """What the words below a place promise, one entry per place; a token carries it until its word is known.

    Attributes:
        below: The best word score at the place or behind it; 0 at the root and the endings.
        here: The best score of the words that end at the place.
        hotwords: How much more a hotword behind the place promises. It helps its own tokens to stay, and does not
            count against others.
    """

    below: Reals
    here: Reals
    hotwords: Reals


@dataclass(frozen=True)
class Said:
    """A word on the way a token went.

    Attributes:
        before: The word before it, as a place in ``Found.said``; -1 if it is the first.
        word: Its place in the lexicon.
        place: Where in the tree its pronunciation ends.
        first_frame: The frame that its first sound begins in.
        last_frame: The frame that its last sound begins in.
    """

    before: int
    word: int
    place: int
    first_frame: int
    last_frame: int


@dataclass(frozen=True)
class Rival:
    """A way to go that lost against an equal one.

    Attributes:
        said: Its last word, as a place in ``Found.said``.
        frame: In which frame it lost; the winner's next word began later where the two can be exchanged.
        behind: By how much it lost, in nats.
    """

    said: int
    frame: int
    behind: float


@dataclass(frozen=True)
class Found:
    """Where the search ended.

    Attributes:
        said: Every word that some token said.
        ends: Last words (places in ``said``, -1 for silence) and scores of the tokens left, best first.
        rivals: For a word (a place in ``said``, -1 for none yet) the ways that lost against it.
    """

    said: list[Said]
    ends: list[tuple[int, float]]
    rivals: dict[int, list[Rival]]


@dataclass(frozen=True)
class _Tokens:
    """The beam, best first: shape (tokens,) each. A spot is twice the place, plus one after a blank."""

    spots: Ints
    histories: Ints
    scores: Reals
    first_frames: Ints
    said: Ints


@dataclass(frozen=True)
class _Moves:
    """Steps of tokens into the next frame, shape (moves,) each; ``words`` and ``ends`` are -1 but where a word ends.

    Attributes:
        sources: Which token moves.
        spots: Where to.
        scores: With what score.
        histories: The history after it.
        words: The word that ends with it.
        ends: Where that word's pronunciation ends.
        is_step: 1 if it went on to another sound, 0 if it stayed.
    """

    sources: Ints
    spots: Ints
    scores: Reals
    histories: Ints
    words: Ints
    ends: Ints
    is_step: Ints


class LexiconSearch:
    """One search through one utterance."""

    def __init__(
        self,
        tree: PronunciationTree,
        blank: int,
        histories: WordHistories,
        lookahead: Lookahead,
        options: SearchOptions,
        *,
        keeps_rivals: bool,
    ) -> None:
        self._tree = tree
        self._blank = blank
        self._histories = histories
        self._lookahead = lookahead
        self._options = options
        self._keeps_rivals = keeps_rivals
        self._has_hotwords = bool(lookahead.hotwords.any())
        self._said: list[Said] = []
        self._rivals: dict[int, list[Rival]] = {}
        self._exits: dict[int, list[tuple[int, int, float]]] = {}

    def run(self, log_probs: LogProbs, checkpoint: Callable[[], None]) -> Found:
        """Search; ``log_probs`` has the shape (frames, labels), ``checkpoint`` is called about every half second."""
        start = np.zeros(1, dtype=np.int64)
        tokens = _Tokens(start + 1, start, np.zeros(1), start, start - 1)
        for frame, row in enumerate(log_probs.astype(np.float64)):
            if frame % _FRAMES_PER_CHECK == 0:
                checkpoint()
            tokens = self._advance(tokens, frame, row)
        return Found(self._said, self._ends(tokens), self._rivals)

    def _advance(self, tokens: _Tokens, frame: int, row: Reals) -> _Tokens:
        """Move every token into a frame, and keep the best."""
        moves = [self._stay(tokens, row), self._fall_silent(tokens, row)]
        best = max(float(part.scores.max(initial=-np.inf)) for part in moves)
        likely = row >= self._options.least_label_logp
        likely[self._blank] = False
        bits = np.uint64(sum(1 << int(label) for label in np.flatnonzero(likely)))
        going = np.flatnonzero(self._tree.child_labels[tokens.spots >> 1] & bits)
        if len(going):
            moves += self._go_on(tokens, going, likely, row, best)
        return self._prune(tokens, _join(moves), frame)

    def _stay(self, tokens: _Tokens, row: Reals) -> _Moves:
        """The sound lasts."""
        sources = np.flatnonzero(tokens.spots & 1 == 0)
        spots = tokens.spots[sources]
        scores = tokens.scores[sources] + row[self._tree.labels[spots >> 1]]
        return _quiet_moves(tokens, sources, spots, scores, is_step=0)

    def _fall_silent(self, tokens: _Tokens, row: Reals) -> _Moves:
        """Blank: an ending becomes the root."""
        places = tokens.spots >> 1
        spots = 2 * np.where(places >= self._tree.first_ending, 0, places) + 1
        return _quiet_moves(tokens, np.arange(len(spots)), spots, tokens.scores + row[self._blank], is_step=0)

    def _go_on(self, tokens: _Tokens, going: Ints, likely: Flags, row: Reals, best: float) -> list[_Moves]:
        """Go on to the likely sounds that follow: within a word, and to the end of a word."""
        tree, look = self._tree, self._lookahead
        counts = tree.child_count[tokens.spots[going] >> 1]
        sources = np.repeat(going, counts)
        firsts = tree.first_child[tokens.spots[going] >> 1] - (np.cumsum(counts) - counts)
        children = np.arange(len(sources)) + np.repeat(firsts, counts)
        labels, spots = tree.labels[children], tokens.spots[sources]
        is_possible = likely[labels] & ((labels != tree.labels[spots >> 1]) | (spots & 1 == 1))
        sources, children, spots = sources[is_possible], children[is_possible], spots[is_possible]
        heard = tokens.scores[sources] + row[tree.labels[children]] - look.below[spots >> 1]
        scores = heard + look.below[children]
        best = max(best, float(scores.max(initial=-np.inf)))
        worst, worst_end = best - self._options.margin, best - WORD_END_SHARE * self._options.margin
        spare = look.hotwords[children]
        inner = np.flatnonzero((tree.child_count[children] > 0) & (scores + spare >= worst))
        moves = [_quiet_moves(tokens, sources[inner], 2 * children[inner], scores[inner], is_step=1)]
        ending = np.flatnonzero(tree.word_count[children] > 0)
        ending = ending[heard[ending] + look.here[children[ending]] + spare[ending] >= worst_end]
        if len(ending):
            moves.append(self._end_words(tokens, sources[ending], children[ending], heard[ending]))
        return moves

    def _end_words(self, tokens: _Tokens, sources: Ints, places: Ints, heard: Reals) -> _Moves:
        """End the words of these places: the language model has its say."""
        keys = tokens.histories[sources] * len(self._tree.labels) + places
        exits: list[tuple[int, int, float]] = []
        for key in keys.tolist():
            known = self._exits.get(key)
            if known is None:
                known = self._exits[key] = self._exits_of(*divmod(key, len(self._tree.labels)))
            exits += known
        words, histories, gains = zip(*exits, strict=True)
        at = np.repeat(np.arange(len(places)), self._tree.word_count[places])
        return _Moves(
            sources=sources[at],
            spots=2 * (self._tree.first_ending + self._tree.labels[places[at]]),
            scores=heard[at] + np.array(gains),
            histories=np.array(histories),
            words=np.array(words),
            ends=places[at],
            is_step=np.ones_like(at),
        )

    def _exits_of(self, history: int, place: int) -> list[tuple[int, int, float]]:
        """The words that end at a place after a history: word, history after it, score."""
        first = self._tree.first_word[place]
        words = self._tree.words[first : first + self._tree.word_count[place]]
        return self._histories.follow(history, words.tolist())

    def _prune(self, tokens: _Tokens, moves: _Moves, frame: int) -> _Tokens:
        """Drop what is far behind, merge what is alike, keep the best, and note the words that ended."""
        most = self._options.most_tokens
        ranks = moves.scores
        if self._has_hotwords:
            ranks = ranks + self._lookahead.hotwords[moves.spots >> 1]
        kept = np.flatnonzero(ranks >= moves.scores.max() - self._options.margin)
        if len(kept) > _SPARE * most:
            kept = kept[np.argpartition(-ranks[kept], _SPARE * most)[: _SPARE * most]]
        kept = kept[np.argsort(-ranks[kept], kind="stable")]
        keys = moves.histories[kept] * 2 * len(self._tree.labels) + moves.spots[kept]
        _, firsts, groups = np.unique(keys, return_index=True, return_inverse=True)
        winners = np.sort(firsts)[:most]
        if self._keeps_rivals:
            return self._with_rivals(tokens, moves, kept, firsts[groups], winners, frame)
        return self._make(tokens, moves, kept[winners], frame)

    def _make(self, tokens: _Tokens, moves: _Moves, chosen: Ints, frame: int) -> _Tokens:
        """The tokens that these moves make."""
        sources = moves.sources[chosen]
        is_begun = self._tree.is_root(tokens.spots[sources] >> 1) & (moves.is_step[chosen] == 1)
        first_frames = np.where(is_begun, frame, tokens.first_frames[sources])
        said = tokens.said[sources]
        for at in np.flatnonzero(moves.words[chosen] >= 0).tolist():
            move = chosen[at]
            word, place = int(moves.words[move]), int(moves.ends[move])
            self._said.append(Said(int(said[at]), word, place, int(first_frames[at]), frame))
            said[at] = len(self._said) - 1
        return _Tokens(moves.spots[chosen], moves.histories[chosen], moves.scores[chosen], first_frames, said)

    def _with_rivals(
        self, tokens: _Tokens, moves: _Moves, kept: Ints, better: Ints, winners: Ints, frame: int
    ) -> _Tokens:
        """Make the winners' tokens, and note between words what lost to an equal one.

        ``better`` gives for each of ``kept`` the one that it is alike to and that is kept instead.
        """
        losers = np.flatnonzero(better != np.arange(len(better)))
        losers = losers[self._tree.is_root(moves.spots[kept[losers]] >> 1) & np.isin(better[losers], winners)]
        made = self._make(tokens, moves, kept[np.concatenate([winners, losers])], frame)
        count = len(winners)
        if len(losers):
            self._note_rivals(made, np.searchsorted(winners, better[losers]), count, frame)
        return _Tokens(
            made.spots[:count],
            made.histories[:count],
            made.scores[:count],
            made.first_frames[:count],
            made.said[:count],
        )

    def _note_rivals(self, made: _Tokens, winners: Ints, first_loser: int, frame: int) -> None:
        """Note for each winner the loser, as far as their words are not the same."""
        behind = made.scores[winners] - made.scores[first_loser:]
        rows = zip(made.said[winners].tolist(), made.said[first_loser:].tolist(), behind.tolist(), strict=True)
        for winner, loser, nats in rows:
            if winner != loser:
                self._rivals.setdefault(winner, []).append(Rival(loser, frame, nats))

    def _ends(self, tokens: _Tokens) -> list[tuple[int, float]]:
        """Last words and final scores; unfinished words are dropped if there is nothing else."""
        at = np.flatnonzero(self._tree.is_root(tokens.spots >> 1))
        if not len(at):
            at = np.arange(len(tokens.spots))
        scores = tokens.scores[at] - self._lookahead.below[tokens.spots[at] >> 1]
        ends = [self._histories.end(history) for history in tokens.histories[at].tolist()]
        found = list(zip(tokens.said[at].tolist(), (scores + np.array(ends)).tolist(), strict=True))
        return sorted(found, key=lambda end: -end[1])


def _quiet_moves(tokens: _Tokens, sources: Ints, spots: Ints, scores: Reals, is_step: int) -> _Moves:
    """Moves that end no word."""
    none = np.full(len(sources), -1, dtype=np.int64)
    return _Moves(sources, spots, scores, tokens.histories[sources], none, none, np.full_like(none, is_step))


def _join(moves: list[_Moves]) -> _Moves:
    """All in one."""
    return _Moves(
        *(
            np.concatenate([getattr(part, name) for part in moves])
            for name in ("sources", "spots", "scores", "histories", "words", "ends", "is_step")
        )
    )
