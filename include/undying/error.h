#ifndef UNDYING_ERROR_H_
#define UNDYING_ERROR_H_

#include <stdexcept>
#include <string>
#include <string_view>

namespace undying {

// What kind of thing went wrong; the command line maps each to a documented exit code.
enum class ErrorCode {
  kInvalidArgument,  // a value, flag or specification that cannot be used
  kNotFound,         // a file or data set that is not there
  kBadData,          // a file or data set whose content is malformed or does not fit
  kUnsupported,      // well-formed, but beyond what this build can do
  kIo,               // reading or writing failed: permissions, disk full
  kInterrupted,      // the caller asked for an end
  kInternal,         // a broken invariant of this library: a bug
};

// The one exception type of the library. what() reads "[subject] message": the subject is the
// operator, file, flag or argument concerned; the message says what was found, what was expected
// and, where it helps, what to do.
//
//   [linear fc3] src (128, 784) does not fit weights (512, 256): 784 != 256
class Error : public std::runtime_error {
 public:
  Error(ErrorCode code, std::string_view subject, std::string_view message)
      : std::runtime_error("[" + std::string(subject) + "] " + std::string(message)),
        code_(code),
        subject_(subject) {}

  ErrorCode code() const { return code_; }
  const std::string& subject() const { return subject_; }
  std::string message() const { return what() + subject_.size() + 3; }

  // The same seen from further out, where a file or a node is what people know: "[net.onnx] linear
  // fc3: src (128, 784) ...".
  Error within(std::string_view outer) const {
    return Error(code_, outer, subject_ + ": " + message());
  }

 private:
  ErrorCode code_;
  std::string subject_;
};

}  // namespace undying

#endif  // UNDYING_ERROR_H_
