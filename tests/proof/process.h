#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

namespace ragpipe::proof {

/// This program again, in a process of its own. Threading: one thread.
class Process {
 public:
  /// Its main() gets `role` and the arguments. `out`: a file to be its standard output, "" = ours.
  Process(const std::string& role, const std::vector<std::string>& arguments, const std::string& out = "");
  ~Process();  ///< kills it
  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;

  void Send(int signal_number);

  /// As waitpid() says it.
  int Wait();

 private:
  pid_t pid_ = -1;
};

}  // namespace ragpipe::proof
