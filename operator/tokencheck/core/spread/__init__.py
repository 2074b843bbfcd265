"""ClusterTokenChecks spread out: which TokenChecks they want, and which are there."""
