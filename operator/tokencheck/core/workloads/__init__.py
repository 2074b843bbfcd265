"""What a manifest says about tokens: where a workload takes them and how far its rollout is.

Every function here is total: whatever shape the JSON of an object has, an answer comes back.
Not here: the tokens themselves, any read of the cluster, any verdict.
"""
