"""What can end a training from outside. After each, the results are those of the production that nothing disturbed."""

from __future__ import annotations

import signal
import time
from datetime import datetime

import pytest

from tests.slurm.production import MEMBER, Production, wait_until

pytestmark = pytest.mark.slurm


@pytest.fixture
def production(production: Production) -> Production:
    """The finished production without its first network."""
    production.lose("models/hl_only/member_0.*")
    return production


def asking(**resources: str | int) -> list[str]:
    """Return the option that changes what the training asks for; it replaces all that the profile sets."""
    return ["--set-resources", *(f"train_member:{name}={value}" for name, value in resources.items())]


def continued(production: Production) -> bool:
    """Return whether the last attempt continued from a checkpoint."""
    return "continues at epoch" in production.log_of_member()


def test_scancel(production: Production) -> None:
    engine = production.start(MEMBER)
    with production.training_held() as job:
        production.cluster("scancel", job)
        wait_until(lambda: production.job_state(job) == "CANCELLED", "the end of the job")
    engine.finish()
    assert continued(production)
    production.check_as_undisturbed()


@pytest.mark.slow
def test_checkpoint_truncated_by_hand(production: Production) -> None:
    engine = production.start(MEMBER)
    with production.training_held() as job:
        # killed without the chance to save once more
        process = production.training_process()
        assert process is not None
        process.kill()
        wait_until(lambda: not process.is_running(), "the end of the training")
        content = production.checkpoint.read_bytes()
        production.checkpoint.write_bytes(content[: len(content) // 2])
        production.cluster("scancel", job)
    engine.finish()
    log = production.log_of_member()
    assert "checkpoint passed over" in log and "truncated" in log and continued(production)
    production.check_as_undisturbed()


@pytest.mark.slow
def test_training_stops_itself_before_the_time_limit(production: Production) -> None:
    engine = production.start(MEMBER, *asking(slurm_partition="gpu", runtime=4))
    with production.training_held() as job:
        # held until the margin before the limit, a tenth of it, has begun; the engine needs seconds to end
        end = datetime.fromisoformat(production.cluster("squeue", "-h", "-j", job, "-o", "%e").output.strip())
        time.sleep((end - datetime.now()).total_seconds() - 22)
    wait_until(lambda: production.job_state(job) == "FAILED", "the end of the job")
    engine.finish()
    # the log of the attempt that stopped, which the engine prints
    assert "wall-clock limit of 4 minutes is near; checkpoint saved" in engine.output
    assert "exit status 75" in engine.output
    assert continued(production)
    production.check_as_undisturbed()


@pytest.mark.slow
def test_time_limit_hit(production: Production) -> None:
    engine = production.start(MEMBER, *asking(slurm_partition="gpu", runtime=1))
    with production.training_held() as job:
        # a process that does not react is killed by the scheduler, up to a minute late
        wait_until(lambda: production.job_state(job) == "TIMEOUT", "the time limit", seconds=240)
    engine.finish()
    assert continued(production)
    production.check_as_undisturbed()


@pytest.mark.slow
def test_preemption(production: Production) -> None:
    engine = production.start(MEMBER, *asking(slurm_partition="cpu", gpu=0, runtime=15))
    with production.training_held() as job:
        # urgent jobs take both CPU nodes; the scheduler requeues what ran there
        urgent = ("sbatch", "-p", "urgent", "-N", "2", "--exclusive", "--mem", "0", "-t", "1", "-o", "/dev/null")
        assert production.cluster(*urgent, "--wrap", "sleep 1").code == 0
        wait_until(lambda: production.job_state(job) == "PENDING", "the preemption")
    engine.finish()
    assert continued(production)
    production.check_as_undisturbed()


@pytest.mark.slow
def test_node_killed(production: Production) -> None:
    engine = production.start(MEMBER)
    with production.training_held() as job:
        assert production.cluster.do("kill-node", "g1").code == 0
        wait_until(lambda: production.job_state(job) != "RUNNING", "the scheduler to notice")
    assert production.cluster.do("start-node", "g1").code == 0
    engine.finish()
    assert continued(production)
    production.check_as_undisturbed()


@pytest.mark.slow
def test_controller_and_accounting_are_down(production: Production) -> None:
    assert production.cluster.do("stop-dbd").code == 0
    engine = production.start(MEMBER)
    with production.training_held():
        assert production.cluster.do("stop-ctld").code == 0
        time.sleep(40)  # longer than the engine waits between its questions: one at least finds nobody
        assert production.cluster.do("start-ctld").code == 0
    assert production.cluster.do("start-dbd").code == 0
    engine.finish()
    assert not continued(production)
    production.check_as_undisturbed()


@pytest.mark.slow
def test_engine_killed_while_its_job_goes_on(production: Production) -> None:
    engine = production.start(MEMBER)
    with production.training_held():
        engine.process.send_signal(signal.SIGKILL)
        engine.wait()
        refused = production.start(MEMBER).wait()
        assert refused.code != 0 and "--unlock" in refused.output
        assert production.locally("--unlock").code == 0
        again = production.start(MEMBER)
        # the second training starts beside the first, which is still there
        wait_until(lambda: continued(production), "the second training")
    again.finish()
    production.check_as_undisturbed()


def test_two_engines_at_once(production: Production) -> None:
    engine = production.start(MEMBER)
    with production.training_held():
        second = production.start(MEMBER).wait()
        assert second.code != 0 and "lock" in second.output.lower()
    engine.finish()
    assert not continued(production)
    production.check_as_undisturbed()
