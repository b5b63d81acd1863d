"""A namespace with workers and a stream of records, in which faults are inflicted; the ledger is checked at its end."""

from __future__ import annotations

import asyncio
import time
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from confluent_kafka import Producer

from relearn.agents.kafka.config import librdkafka_config
from relearn.agents.models.signing_keys import load_signer
from relearn.schemas.features import numbers_alone
from relearn.schemas.model.linear_svm import Model
from relearn.schemas.model.signed_updates import Update, encode_update
from relearn.schemas.settings import PREFIX, read_settings
from relearn.schemas.topics import topic_name, topic_specs
from relearn.scripts.client.migrations import run_migrations
from relearn.scripts.data.bootstrap import train_on
from relearn.scripts.data.datasets import Dataset
from relearn.scripts.dev.bench.faults import hostile
from relearn.scripts.dev.bench.faults.checker import Checker, Findings
from relearn.scripts.dev.bench.faults.fault import Fault, Measure, Scale
from relearn.scripts.dev.bench.faults.ledger import FEATURES, Ledger
from relearn.scripts.dev.bench.faults.probe import NeverHappened, Probe, until
from relearn.scripts.dev.bench.faults.servers import Machine
from relearn.scripts.dev.bench.faults.traffic import Traffic
from relearn.scripts.dev.bench.faults.watch import INPUT, Watch
from relearn.scripts.dev.bench.faults.workers import Spawn, Worker, worker_settings
from relearn.scripts.embedded.keys import ensure_pair

#: The share of hostile messages where a fault mixes them in.
HOSTILE_SHARE = 0.01
NAMES = tuple(f"x{i + 1}" for i in range(FEATURES))
DRAIN_S = 150.0


class Scene:
    """Everything that a fault may touch. `rng` decides what the fault leaves open."""

    def __init__(
        self, machine: Machine, faults: Sequence[Fault], scale: Scale, *, seed: int, directory: Path, spawn: Spawn
    ) -> None:
        self.machine = machine
        self.scale = scale
        self.rng = np.random.default_rng(seed)
        self.workers: dict[str, Worker] = {}
        self.ledger = Ledger()
        self.measures: list[Measure] = []
        self.models: dict[int, Model] = {}
        self._faults = faults
        self._seed = seed
        self.spawn = spawn
        self.roles: dict[str, int] = {}
        for fault in faults:
            for role, count in fault.roles.items():
                self.roles[role] = max(self.roles.get(role, 0), count)
        given = {PREFIX + name: value for fault in faults for name, value in fault.settings.items()}
        self.settings = read_settings(
            {
                **machine.environment,
                PREFIX + "NAMESPACE": f"f{uuid.uuid4().hex[:8]}",
                PREFIX + "DATA_DIR": str(directory),
                **given,
            }
        )
        addresses = machine.proxied() if any(fault.proxied for fault in faults) else {}
        self.worker_settings = worker_settings(self.settings, addresses)
        ensure_pair(self.settings.keys_dir)
        as_operator = self.settings.model_copy(update={"postgres_dsn": machine.operator_dsn})
        self.probe = Probe(as_operator)
        self.watch = Watch(self.workers, lambda: Probe(as_operator, deadline_s=0.0), self.roles)
        self.traffic = self._traffic()

    def start(self) -> None:
        """Make topics and tables, a first model and the workers, and begin the stream."""
        asyncio.run(run_migrations(self.settings))
        self.probe.wait_until_led(topic_specs(self.settings))
        if not any(fault.learns for fault in self._faults):
            self.swap()
        for role, count in self.roles.items():
            for number in range(1, count + 1):
                self.add(role, f"{role}-{number}")
        if any(fault.learns for fault in self._faults):
            self._train()
        for worker in list(self.workers.values()):
            worker.wait_ready()
        self.watch.start()
        self.traffic.start()
        until(lambda: self.probe.stored() > 0, self.logs)
        self.watch.reset()

    def finish(self) -> Findings:
        """End the stream, wait until everything is processed, and check."""
        self.traffic.finish()
        began, problem = time.monotonic(), None
        try:
            self.drained()
        except NeverHappened as exc:
            problem = str(exc)
        self.measure("drained after the stream", time.monotonic() - began, "s")
        found = Checker(self.probe, self.ledger, self.models).check({role: INPUT[role] for role in self.roles})
        if problem:
            found.offsets.append(problem)
        if errors := self.traffic.errors:
            self.measure(f"messages that were not acknowledged ({errors[0][:80]})", len(errors), bar=0)
        if self.watch.errors:
            raise NeverHappened(f"the scene was not watched to its end: {self.watch.errors}")
        return found

    def close(self) -> None:
        """End the workers and drop the topics."""
        self.traffic.rate = 1e9
        self.traffic.finish()
        self.watch.stop()
        for worker in self.workers.values():
            worker.kill()
        self.probe.drop_topics(spec.name for spec in topic_specs(self.settings))
        self.probe.close()

    def drained(self, deadline_s: float = DRAIN_S) -> float:
        """Wait until every role has committed all that is on its topic; the seconds that it took."""

        def behind() -> dict[str, dict[int, int]]:
            return {role: lag for role in self.roles if (lag := self.probe.lag(role, INPUT[role]))}

        return until(lambda: not behind(), lambda: f"behind: {behind()}\n{self.logs()}", deadline_s)

    def add(self, role: str, name: str, *, static: bool = True, **extra: str) -> Worker:
        """Start one more worker."""
        self.workers[name] = Worker(self.worker_settings, role, name, self.spawn, static=static, **extra)
        return self.workers[name]

    def of_role(self, role: str) -> list[Worker]:
        """The workers of a role."""
        return [worker for worker in self.workers.values() if worker.role == role]

    def any_of(self, *roles: str) -> Worker:
        """One worker of these roles, by chance."""
        found = [worker for worker in self.workers.values() if worker.role in roles and worker.wanted]
        return found[int(self.rng.integers(len(found)))]

    def goes_on(self, role: str) -> float:
        """Wait until the role has committed what is on its topic now, on every partition; the seconds."""
        topic = INPUT[role]
        ends = self.probe.ends(topic)

        def behind() -> dict[int, int]:
            done = self.probe.committed(role, topic)
            return {number: end - done.get(number, 0) for number, end in ends.items() if done.get(number, 0) < end}

        return until(lambda: not behind(), lambda: f"{role} stands still: {behind()}\n{self.logs()}")

    def stores(self, count: int, deadline_s: float = DRAIN_S) -> float:
        """Wait until `count` more records are stored; the seconds."""
        before = self.probe.stored()
        return until(
            lambda: self.probe.stored() >= before + count, lambda: "nothing is stored\n" + self.logs(), deadline_s
        )

    def swap(self) -> None:
        """Publish another model, as retrain would."""
        activation = len(self.ledger.models) + 1
        version = 1 + (activation - 1) % 2
        if version not in self.models:
            rng = np.random.default_rng(version)
            self.models[version] = Model(
                version, ("0", "1"), NAMES, rng.normal(size=(1, FEATURES)), rng.normal(size=1), np.zeros(FEATURES),
                np.ones(FEATURES),
            )  # fmt: skip
        self.ledger.models[activation] = version
        reason = {"trigger": "faults"}
        update = Update(
            self.settings.namespace, "champion", activation, self.models[version], None, reason, time.time()
        )
        producer = Producer(librdkafka_config(self.settings))
        value = encode_update(update, load_signer(self.settings))
        producer.produce(topic_name(self.settings.namespace, "model-updates"), value, b"champion")
        producer.flush(60)

    def measure(self, name: str, value: float, unit: str = "", bar: float | None = None) -> None:
        """Note a measurement; with a bar, it must not be above it."""
        self.measures.append(Measure(name, round(float(value), 3), unit, bar))

    @contextmanager
    def pauses(self, name: str, bar: float | None = None) -> Iterator[None]:
        """Measure the longest pause of storing inside the block."""
        self.watch.reset()
        yield
        self.measure(name, self.watch.longest_pause_s(), "s", bar)

    def unexpected_ends(self) -> int:
        """Ends of workers that were not requested."""
        return sum(len(worker.unexpected) for worker in self.workers.values())

    def logs(self) -> str:
        """The end of each worker's log."""
        return "\n".join(f"--- {worker.name}\n{worker.log[-1200:]}" for worker in list(self.workers.values()))

    def _traffic(self) -> Traffic:
        scale, mixed = self.scale, any(fault.mixes for fault in self._faults)
        makes = [*hostile.INGEST.values(), *hostile.OTHERS.values()]
        large = [*hostile.LARGE.values()] * scale.large_rounds
        return Traffic(
            self.settings,
            self.ledger,
            self.probe.topic_id,
            rate=scale.rate,
            at_least=scale.hostile_records if mixed else scale.records,
            seed=self._seed,
            hostile=makes if mixed else (),
            hostile_share=HOSTILE_SHARE if mixed else 0.0,
            large=large if mixed else (),
        )

    def _train(self) -> None:
        """A first champion from the retrain worker."""
        rng = np.random.default_rng(self._seed)
        features = rng.normal(size=(60, FEATURES))
        labels = tuple("1" if row[1] > 0 else "0" for row in features)
        dataset = Dataset(
            "faults", numbers_alone(NAMES), features, labels, tuple(f"b{i}" for i in range(len(features)))
        )
        outcome = asyncio.run(train_on(self.settings, dataset, timeout_s=120))
        if not outcome.promoted:
            raise NeverHappened(f"the first model was not promoted: {outcome.job}")
