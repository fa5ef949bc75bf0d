drop table cluster_identity;
