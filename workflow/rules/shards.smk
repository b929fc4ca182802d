# What I need: parts and their verdicts. What I make: a shard for each part, and the list of each block's shards.
# A bad part gets a shard without events; the inventory tells which parts count. The stages below take the lists:
# thousands of shards as inputs of every training would cost minutes of planning.


for study, sample, block, parts in every_block():

    rule:
        """Build the shards of a block of parts."""
        name:
            f"build_shards_{study}_{sample}_{block}"
        input:
            parts=[file for part in parts for file in local_file(study, sample, part)],
            verdicts=[f"results/{study}/verdicts/{sample}/{part.id}.json" for part in parts],
        output:
            shards=[f"results/{study}/shards/{sample}/{part.id}.h5" for part in parts],
            listing=f"results/{study}/shards/{sample}/{block}.json",
        log:
            f"logs/build_shards/{study}/{sample}/{block}.log",
        benchmark:
            f"benchmarks/build_shards/{study}/{sample}/{block}.tsv"
        group:
            "build_shards"
        conda:
            "../../envs/data.yaml"
        threads: 1
        resources:
            mem_mb=megabytes(1000),
            runtime=30,
        params:
            study=study,
            sample=sample,
            settings=given_to(study, "build_shard"),
            code=fingerprint_of(study, "build_shard", "build_shards.py"),
        script:
            "../scripts/build_shards.py"
