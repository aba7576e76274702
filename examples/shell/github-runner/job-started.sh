#!/bin/bash
# Gives each trusted job of a self-hosted GitHub runner a home with the login, before its first step.
#
# In the file `.env` of the runner's directory:
#
#   ACTIONS_RUNNER_HOOK_JOB_STARTED=/usr/local/lib/authbaton/job-started.sh
#   ACTIONS_RUNNER_HOOK_JOB_COMPLETED=/usr/local/lib/authbaton/job-completed.sh
#
# The runner runs this as `bash -e FILE`, as its own user, with the variables of the job. Exit code 0 lets the job go on;
# any other one fails it before its first step, so a job never works without the login that it was promised. The store is
# in the runner's own place, never in a workspace.
#
# The jobs of a runner are of the same user as the runner, so code in a job can read the key as well as this can. Use this
# for jobs that you trust with the account; docs/broker.md has the way with another user.
set -euo pipefail

export AUTHBATON_STORE=file:/var/lib/authbaton/store
export AUTHBATON_SEAL_KEY_FILE=/etc/authbaton/seal.key

# What strangers can start is given no home: pull requests, comments, and what follows from them. It can read key and store
# all the same: let none of it run on this runner.
case $GITHUB_EVENT_NAME in
push | schedule | workflow_dispatch) ;;
*) exit 0 ;;
esac

# The runner empties this directory before and after each job.
home=$RUNNER_TEMP/authbaton-home
authbaton refresh --home "$home"
authbaton restore --home "$home" --min-ttl 2h
echo "CODEX_HOME=$home" >>"$GITHUB_ENV"
