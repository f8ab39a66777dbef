// Divides a loop among the machine's processors.
#pragma once

#include <cstdint>
#include <functional>

// Calls work(begin, end) for pieces of 0..count of at least `smallest` each, and returns when all are done, in as many
// threads as the calling thread may use (setOperationThreads). One call at a time has the threads; another one meanwhile
// computes by itself.
void inParallel(int64_t count, int64_t smallest, const std::function<void(int64_t, int64_t)>& work);
