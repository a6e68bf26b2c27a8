#pragma once

#include <cstddef>
#include <vector>

namespace ragpipe::text::internal {

/// A first-in first-out queue in one block of memory, that can also be shortened at its back.
template <class T>
class Queue {
 public:
  std::size_t size() const { return items_.size() - head_; }
  bool empty() const { return size() == 0; }

  T& operator[](std::size_t i) { return items_[head_ + i]; }
  const T& operator[](std::size_t i) const { return items_[head_ + i]; }
  const T& front() const { return items_[head_]; }
  const T& back() const { return items_.back(); }

  void push_back(const T& item) { items_.push_back(item); }
  void pop_back() { items_.pop_back(); }

  void pop_front(std::size_t count = 1) {
    head_ += count;
    if (head_ < kSlack || head_ * 2 < items_.size()) return;
    items_.erase(items_.begin(), items_.begin() + static_cast<std::ptrdiff_t>(head_));
    head_ = 0;
  }

 private:
  static constexpr std::size_t kSlack = 64;

  std::vector<T> items_;
  std::size_t head_ = 0;
};

}  // namespace ragpipe::text::internal
