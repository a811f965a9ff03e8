"""What an attempt says: output, progress, stages; kept in order, masked, bounded, and readable while it is being said.

    executor ──bytes──▶ AttemptJournal ──runs──▶ JournalWriter ──chunks──▶ journal_chunks ──▶ readers (`chronicle`)
                        lines, protocol,         one transaction for       numbered
                        masks, caps              many executions

- Everything an execution says has a number, from 1, over all its attempts; the numbers are given when it is stored, by the
  row in `journals`, so that several writers (an executor, the reporting API at another replica) cannot give one twice.
- It is stored in chunks: some tens of milliseconds of output are one row, whatever the number of lines. A chunk never
  changes. Beyond a cap the middle is forgotten; the numbers keep their gap, and readers see it.
- A batch is fenced by the lease token, and numbered: sent again after a lost answer it changes nothing.
- With a batch goes how many lines of the source it contains. Whoever adopts the attempt reads the source from its
  beginning, and the journal leaves out what is stored.
- An executor that says nothing costs nothing: no row, no statement.
"""
