"""The retrain worker's part: a training and its verdict, the shadow's evidence, the evidence for going back."""

from __future__ import annotations

from relearn.agents.learning.fit import fit
from relearn.agents.learning.gate import Verdict, judge_challenger
from relearn.agents.learning.nothing_new import nothing_new
from relearn.agents.learning.rollback_verdict import audited, compare_answers, rollback_verdict
from relearn.agents.learning.shadow_verdict import out_of_fold, shadow_tally, shadow_verdict
from relearn.agents.learning.trial import Trial, admit, prepare
from relearn.schemas.errors import Refused
from relearn.schemas.settings import Settings
from relearn.scripts.dev.bench.policy.memory import MemoryStore
from relearn.scripts.dev.bench.policy.rows import Shadow, Training


def begin_training(memory: MemoryStore, settings: Settings, job: str, *, takes_s: float) -> None:
    """Start a training, which ends `takes_s` later, and at once where it is skipped or fails."""
    snapshot = memory.snapshot()
    admitted = admit(snapshot, reviewer_labels=settings.reviewer_labels)
    trial = prepare(snapshot, admitted, assumed_weight=settings.assumed_weight)
    if nothing_new(snapshot, trial) is not None:
        _end_without_model(memory, trial, "skipped")
        return
    try:
        fitted = fit(trial.examples)
    except Refused:
        _end_without_model(memory, trial, "failed")
        return
    memory.training = Training(job, trial, snapshot.unreviewed, fitted, takes_s, memory.now_s + takes_s)


def end_training(memory: MemoryStore, settings: Settings) -> None:
    """End the training whose time has come: its model becomes the champion, the shadow, or is rejected.

    If the champion has changed meanwhile, the training begins again, as the retrain worker takes its job again.
    """
    training = memory.training
    if training is None or training.ends_s > memory.now_s:
        return
    memory.training = None
    trial, fitted = training.trial, training.fitted
    judged_by = None if trial.champion is None else trial.champion.version
    if memory.activations and memory.champion.model.version != judged_by:
        begin_training(memory, settings, training.job, takes_s=training.takes_s)
        return
    memory.trained(training.cut)
    verdict = judge_challenger(trial, fitted, training.unreviewed, alpha=settings.gate_alpha)
    state = "shadow" if verdict.outcome == "shadow" else "rejected"
    version = memory.register(trial.examples, fitted, training.cut, state).model.version
    if verdict.outcome != "rejected":
        _supersede(memory)
    if verdict.outcome == "shadow":
        memory.begin_shadow(Shadow(training.job, version, memory.champion.model.version, memory.now_s))
    else:
        _end(memory, version, verdict)


def judge_shadow(memory: MemoryStore, settings: Settings) -> None:
    """Look at the shadow's evidence once, where there is a shadow."""
    shadow = memory.shadow
    if shadow is None:
        return
    if memory.champion.model.version != shadow.champion:
        _supersede(memory)
        return
    answers = ((one, memory.answered[one.place.offset].shadow) for one in memory.statements)
    pairs = [(one, answer[1]) for one, answer in answers if answer is not None and answer[0] == shadow.version]
    model = memory.models[shadow.version]
    fair = out_of_fold(pairs, labelled=model.labelled, folds=model.folds, string_of=memory.string_of)
    verdict = shadow_verdict(
        shadow_tally(fair, champion=shadow.champion),
        elapsed_s=memory.now_s - shadow.began_s,
        labels_limit=settings.shadow_labels,
        time_limit_s=settings.shadow_s,
    )
    if verdict is not None:
        memory.shadow = None
        _end(memory, shadow.version, verdict)


def judge_champion(memory: MemoryStore, settings: Settings) -> None:
    """Go back to the former champion where reviews show that it was better."""
    former = memory.former()
    if former is None or memory.activations[-1].rollback:
        return
    champion = memory.champion
    found = [one for one in memory.statements if one.model == champion.model.version]
    rows = compare_answers(audited(found, champion.keys | former.keys), former.model, memory.string_of)
    verdict = rollback_verdict(rows, threshold=settings.rollback_evidence, limit=settings.rollback_labels)
    if verdict.rolls_back:
        memory.activate(former.model.version, leaves="rolled-back", rollback=True)
        memory.trained(memory.cut)
        memory.end_job("promoted", by_itself=True)


def _end_without_model(memory: MemoryStore, trial: Trial, state: str) -> None:
    memory.trained(trial.facts["cut"])
    memory.end_job(state)


def _supersede(memory: MemoryStore) -> None:
    """End the shadow, where there is one, without a verdict."""
    if memory.shadow is not None:
        memory.models[memory.shadow.version].state = "rejected"
        memory.shadow = None
        memory.end_job("superseded")


def _end(memory: MemoryStore, version: int, verdict: Verdict) -> None:
    if verdict.outcome == "promoted":
        memory.activate(version)
    else:
        memory.models[version].state = "rejected"
    memory.end_job(verdict.outcome)
