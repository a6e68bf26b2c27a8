#pragma once

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <string>
#include <utility>
#include <vector>

namespace ragpipe::proof {

/// This program again, in a process of its own.
class Process {
 public:
  /// `role` and `arguments` are its arguments.
  Process(const char* role, const std::vector<std::string>& arguments) {
    std::vector<std::string> strings = {"proof", role};
    strings.insert(strings.end(), arguments.begin(), arguments.end());
    std::vector<char*> argv;
    for (std::string& string : strings) argv.push_back(string.data());
    argv.push_back(nullptr);
    pid_ = fork();
    if (pid_ == 0) {
      execv("/proc/self/exe", argv.data());
      _exit(127);
    }
  }
  ~Process() {
    Send(SIGKILL);
    Wait();
  }
  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;

  void Send(int signal_number) {
    if (pid_ > 0) kill(pid_, signal_number);
  }
  /// As waitpid() says it.
  int Wait() {
    int status = 0;
    if (pid_ > 0) waitpid(std::exchange(pid_, -1), &status, 0);
    return status;
  }

 private:
  pid_t pid_ = -1;
};

}  // namespace ragpipe::proof
