#include "proof/process.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <utility>

namespace ragpipe::proof {

Process::Process(const std::string& role, const std::vector<std::string>& arguments, const std::string& out) {
  std::vector<std::string> strings = {"proof", role};
  strings.insert(strings.end(), arguments.begin(), arguments.end());
  std::vector<char*> argv;
  for (std::string& string : strings) argv.push_back(string.data());
  argv.push_back(nullptr);
  pid_ = fork();
  if (pid_ != 0) return;
  if (!out.empty()) {
    const int file = open(out.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0666);
    if (file < 0 || dup2(file, STDOUT_FILENO) < 0) _exit(127);
  }
  execv("/proc/self/exe", argv.data());
  _exit(127);
}

Process::~Process() {
  Send(SIGKILL);
  Wait();
}

void Process::Send(int signal_number) {
  if (pid_ > 0) kill(pid_, signal_number);
}

int Process::Wait() {
  int status = 0;
  if (pid_ > 0) waitpid(std::exchange(pid_, -1), &status, 0);
  return status;
}

}  // namespace ragpipe::proof
