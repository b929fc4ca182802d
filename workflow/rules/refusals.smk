# A group that the scheduler refuses says why. The engine drops what sbatch answers for a group (it passes it on for a
# single job), and if the account is wrong the Slurm plugin asks the group for its rule, which it has not: waits for ever.
from snakemake.jobs import GroupJob
from snakemake.logging import logger


def with_words(log_error):
    """Return a group's ``log_error`` that logs its message first, without the call of sbatch."""

    def log_error_and_words(group, msg=None, **others):
        if msg:
            logger.error(f"Group {group.groupid}: {msg.partition('    sbatch call:')[0].strip()}")
        log_error(group, msg, **others)

    return log_error_and_words


# once a process, in how many workflows ever this file is included
if not hasattr(GroupJob, "rule"):
    setattr(GroupJob, "rule", property(lambda group: group))
    GroupJob.log_error = with_words(GroupJob.log_error)
