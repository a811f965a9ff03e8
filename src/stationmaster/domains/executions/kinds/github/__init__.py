"""Runs of GitHub Actions workflows: dispatched once, found again whatever happens, followed to their end.

    save a handle ──▶ dispatch ──answer──▶ save the run's id ──▶ follow ──▶ jobs, logs, outcome
                         └──no answer──▶ search by the correlation input ──not found──▶ lost

- A dispatch creates a run, and GitHub drops no repetition. So nothing is ever dispatched again unless GitHub itself said that
  it refused: when its answer was lost, the run is *searched*, and if it cannot be found the attempt is lost (`on_lost` says
  what follows).
- The handle is saved before the dispatch. A replica that takes over an attempt without a run's id searches as well.
- GitHub tells the run's id when it is asked to (`return_run_details`); servers that cannot are asked without. The correlation
  input carries the attempt's name into the run; it is found by the run's title, so the workflow shows it there:
  `run-name: nightly ${{ inputs.stationmaster_id }}`. A workflow that declares no such input is dispatched without it.
- Runs that are followed hold no place of the runner, and those of one repository are looked at together: one conditional
  request an interval, however many they are. GitHub's limits are kept for each token, by all who use it.
"""
