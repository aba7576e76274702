#!/bin/bash
# Deletes what job-started.sh has placed. The name is known here: a job could have changed the variable that it was given.
# An exit code other than 0 fails the job.
set -euo pipefail

rm -rf -- "$RUNNER_TEMP/authbaton-home"
